from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.particles import Exclusion, TableOptions, exclude_frames
from particles import scene


def video():
    a, b = np.full((2, 3, 4, 5), 0.5)
    return scene.measured(
        a,
        b,
        0.01,
        variables={"dose": ("time y x", np.ones((3, 4, 5)))},
        coords={"scan": ("time", [101, 103, 104])},
    )


def excluding(given, *exclude):
    return exclude_frames(given, options=TableOptions(exclude=exclude))


def test_an_excluded_frame_is_nan_with_its_flag_and_its_dose_stays():
    given = video()
    result = excluding(given, Exclusion(frame=0, reason="dump"), Exclusion(scan=104, reason="drift"))
    stages.check(result, "composition_video")
    for name in ("lithium_fraction", "lithium_fraction_std", "amount", "amount_std"):
        assert np.isnan(result[name].values[[0, 2]]).all()
        np.testing.assert_array_equal(result[name][1], given[name][1])
        assert result[name].dtype == given[name].dtype
        assert result[name].attrs == given[name].attrs
    flag = result["lithium_fraction_flag"]
    assert flag.dtype == np.uint16
    assert flag.attrs["flag_meanings"].split()[0] == "missing"
    assert (flag.values[[0, 2]] == stages.flag_bit("excluded")).all()
    assert (flag.values[1] == 0).all()
    np.testing.assert_array_equal(result["dose"], given["dose"])
    assert np.isfinite(given["lithium_fraction"]).all()


def test_nothing_excluded_is_the_same_video():
    given = video()
    assert excluding(given, Exclusion(particle="p01", reason="later")) is given


@pytest.mark.parametrize(
    ("exclusion", "words"),
    [({"frame": 3}, "0 to 2"), ({"scan": 102}, r"one of \[101, 103, 104\]")],
)
def test_unknown_frames_are_an_error_that_lists_the_known(exclusion, words):
    with pytest.raises(OptionError, match=words):
        excluding(video(), Exclusion(**exclusion, reason="?"))


@pytest.mark.parametrize("fields", [{}, {"frame": 1, "particle": "p01"}, {"frame": -1}])
def test_an_exclusion_names_one_thing(fields):
    with pytest.raises(OptionError):
        Exclusion(**fields, reason="?")
    with pytest.raises(OptionError, match="reason"):
        Exclusion(frame=1)
    with pytest.raises(OptionError, match="reason"):
        Exclusion(frame=1, reason="")
