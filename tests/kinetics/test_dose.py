from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.kinetics import dose_check
from lithiscope.kinetics.options import DoseCheckOptions
from truth import kinetics_truth as truth

LABEL = np.zeros((6, 12), dtype=int)
LABEL[1:5, 1:5], LABEL[1:5, 7:11] = 1, 2


def video(doses):
    """Running dose of both particles (frames, 2), one pixel of each 10 % above."""
    picture = np.where(LABEL == 1, doses[:, :1, None], np.where(LABEL == 2, doses[:, 1:, None], np.nan))
    picture[:, 2, 2] *= 1.1
    picture[:, 2, 8] *= 1.1
    x = np.full((len(doses), 6, 12), 0.5)
    return truth.as_video(x, 0.06, LABEL, 600.0 * np.arange(len(doses)), dose=("time y x", picture))


def particles(doses):
    return stages.new(
        "particle_table",
        {
            "lithium_fraction": ("particle time", np.full(doses.T.shape, 0.5)),
            "dose": ("particle time", doses.T),
            "area": ("particle", [1.0, 1.0]),
            "pixel_count": ("particle", [16, 16]),
        },
        coords={"particle": ("particle", ["A", "B"]), "time": ("time", 600.0 * np.arange(len(doses)))},
    )


def test_below_the_limit_nothing_is_said():
    doses = np.linspace(1e6, 2.5e7, 8)[:, None] * [1.0, 0.5]  # the largest of Lim 2016 is 25 MGy
    found = dose_check(particles(doses))
    assert found["particle"].values.tolist() == ["A", "B"]
    np.testing.assert_allclose(found["dose"], [2.5e7, 1.25e7])
    assert found["first_above"].values.tolist() == [-1, -1]
    assert np.isnan(found["second_above"]).all()
    assert found.attrs["limit"] == 6e7


def test_above_it_the_particles_are_named():
    doses = np.linspace(1e7, 8e7, 8)[:, None] * [1.0, 0.5]
    with pytest.warns(LithiscopeWarning, match=r"above 6e\+07 Gy.* in A$"):
        found = dose_check(particles(doses))
    assert found["first_above"].values.tolist() == [6, -1]
    np.testing.assert_array_equal(found["second_above"], [3600.0, np.nan])
    # Of a video it is the pixel with the most.
    with pytest.warns(LithiscopeWarning, match="in p01$"):
        pixels = dose_check(video(doses), truth.as_labels(LABEL))
    np.testing.assert_allclose(pixels["dose"], [8.8e7, 4.4e7])
    assert pixels["first_above"].values.tolist() == [5, -1]
    assert pixels.attrs["of"] == "largest pixel"
    assert (dose_check(particles(doses), options=DoseCheckOptions(limit=1e8))["first_above"] == -1).all()


def test_bad_input_gives_one_clear_error():
    doses = np.ones((3, 2))
    with pytest.raises(AnalysisError, match="no dose to check"):
        dose_check(particles(doses).drop_vars("dose"))
    with pytest.raises(StageError, match="needs particles"):
        dose_check(video(doses))
    with pytest.raises(StageError, match="expected stage"):
        dose_check(particles(doses).assign_attrs(stage="frames"))
