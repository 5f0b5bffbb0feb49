from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError, StageError, UnitError
from lithiscope.kinetics import insertion_rate, with_current_density
from lithiscope.kinetics.options import CurrentOptions
from truth import kinetics_truth as truth

LABEL = np.ones((4, 5), dtype=int)


def rates(rate=1.0, thickness=150.0, **more):
    x = 0.1 + rate * 0.2 * np.arange(2)[:, None, None] * np.ones((1, 4, 5))
    return insertion_rate(truth.as_video(x, 0.06, LABEL, [0.0, 720.0], [0, 0], [1, 1], thickness=thickness, **more))


def test_1c_through_two_faces_of_150_nm():
    """PHYSICS 2: 1C, 150 nm => 0.0461 A/m2; positive on delithiation."""
    for sign in (1, -1):
        found = with_current_density(rates(sign))
        np.testing.assert_allclose(found["current_density"].values, -sign * 0.0461, rtol=2e-3)
        by_hand = 1.602176634e-19 * 1.38e28 * 150e-9 / 2 / 3600
        np.testing.assert_allclose(found["current_density"].values, -sign * by_hand, rtol=1e-5)
    np.testing.assert_allclose(found["current_density_std"].values, by_hand * 0.06 * np.sqrt(2) / 0.2, rtol=1e-5)


def test_systematic_shifts_have_their_names():
    shift = 0.01 * np.arange(2)[:, None, None] * np.ones((1, 4, 5))
    moving = rates(
        lithium_fraction_shift=("systematic time y x", shift[None]), coords={"systematic": ("systematic", ["purity"])}
    )
    found = with_current_density(moving)
    j = found["current_density"].values
    assert list(found["systematic"].values) == ["purity", "attenuation_table", "inactive_face"]
    np.testing.assert_allclose(found["current_density_shift"].values, [0.05 * j, 0.057 * j, j], rtol=1e-5)
    # A cause that is new moves what was there before by nothing.
    assert not found["insertion_rate_shift"].values[1:].any()
    np.testing.assert_allclose(found["insertion_rate_shift"].values[0], 0.05, rtol=1e-4)


def test_one_face_and_a_stated_thickness():
    found = with_current_density(rates(), 75.0, options=CurrentOptions(faces=1, stated_thickness_fraction=0.1))
    np.testing.assert_allclose(found["current_density"].values, -0.0461, rtol=2e-3)
    assert list(found["systematic"].values) == ["thickness"]
    assert found.attrs["faces"] == 1
    assert found.attrs["site_density_per_cubic_metre"] == "1.38e+28 (Lim 2016, eq. S6)"
    np.testing.assert_allclose(found["thickness"].values, 75.0)


def test_no_causes_at_all():
    options = CurrentOptions(inactive_face=False, attenuation_fraction=0)
    assert "current_density_shift" not in with_current_density(rates(), options=options)


def test_where_the_material_ends_there_is_no_current():
    thickness = np.full((4, 5), 150.0)
    thickness[0, 0], thickness[1, 1] = 0.0, np.nan
    image = xr.DataArray(thickness, dims=("y", "x"), attrs={"units": "nm"})
    found = with_current_density(rates(), image)
    lost = ~(thickness > 0)
    np.testing.assert_array_equal(np.isnan(found["current_density"].values[0]), lost)
    assert (found["current_density_flag"].values[0][lost] == stages.flag_bit("no_material")).all()
    np.testing.assert_allclose(found["insertion_rate"].values, 1.0, rtol=1e-5)


def test_bad_thickness_gives_one_clear_error():
    with pytest.raises(AnalysisError, match="needs the thickness") as error:
        with_current_density(rates(thickness=None))
    assert "field: thickness" in str(error.value)
    assert "remedy:" in str(error.value)
    with pytest.raises(OptionError, match="nanometres"):
        with_current_density(rates(), 0.15)
    with pytest.raises(UnitError, match="wrong unit"):
        with_current_density(rates(), xr.DataArray(np.ones((4, 5)), dims=("y", "x"), attrs={"units": "um"}))
    with pytest.raises(UnitError, match="no thicknesses in nanometres"):
        with_current_density(rates(), xr.DataArray(np.full((4, 5), 0.15), dims=("y", "x")))
    with pytest.raises(StageError, match="differ in shape"):
        with_current_density(rates(), xr.DataArray(np.full((5, 4), 150.0), dims=("y", "x")))
    with pytest.raises(OptionError, match="site_density"):
        CurrentOptions(site_density=1.38e22)  # per cubic centimetre


def test_thin_feet_outside_the_particles_do_not_make_a_thickness_look_wrong():
    frames = np.full((2, 6, 6), 0.5)
    label = np.zeros((6, 6), dtype=int)
    label[0, 0] = 1
    data = truth.as_video(frames, 0.03, label, [0.0, 360.0], [0, 0], [1, 1])
    made = insertion_rate(data.assign(label=(("y", "x"), label)))
    feet = made["thickness"].copy(data=np.where(label > 0, 150.0, 0.01).astype(np.float32))
    found = with_current_density(made.assign(thickness=feet))
    assert np.isfinite(found["current_density"].values[0, 0, 0])
