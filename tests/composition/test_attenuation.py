"""Attenuation and thickness against the tables."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope.composition.xray import (
    ThicknessOptions,
    attenuation_length,
    optical_density,
    thickness,
)
from lithiscope.errors import OptionError


def test_tables_give_their_lengths_for_lithium_iron_phosphate():
    henke = attenuation_length("LiFePO4", 3.60, 703.0)
    chantler = attenuation_length("LiFePO4", 3.60, 703.0, table="chantler")
    assert henke == pytest.approx(434.5, abs=0.1)
    assert chantler == pytest.approx(459.0, abs=0.5)
    assert chantler / henke - 1 == pytest.approx(0.057, abs=0.001)


def test_length_goes_as_one_over_density():
    one, two = attenuation_length("FePO4", 3.0, 703.0), attenuation_length("FePO4", 6.0, 703.0)
    assert one == pytest.approx(2 * two, rel=1e-6)


@pytest.mark.parametrize("table", ["henke", "chantler"])
@pytest.mark.parametrize(("formula", "energy"), [("LiXePO4Qq", 703.0), ("LiFePO4", 1e9)])
def test_unknown_materials_and_energies_are_refused(formula, energy, table):
    with pytest.raises(OptionError, match="looked up"):
        attenuation_length(formula, 3.6, energy, table=table)


def density_of(od, shape=(8, 8), incident=1e4, **options):
    recording = scene.recording(
        np.broadcast_to(np.asarray(od)[:, None, None], (3, *shape)), incident, rng=np.random.default_rng(0), noise=False
    )
    return optical_density(recording, spectrum=scene.incident_spectrum(incident), **options)


def test_thickness_is_length_times_pre_edge_and_names_its_table():
    od = density_of([0.345, 1.0, 0.8])
    found = thickness(od)
    np.testing.assert_allclose(found, 434.5 * 0.345, rtol=1e-3)
    assert "Henke" in found.attrs["attenuation_table"]
    assert found.attrs["units"] == "nm"
    less = thickness(od, options=ThicknessOptions(background=0.1))
    np.testing.assert_allclose(less / found, 0.245 / 0.345, rtol=1e-5)


def test_attenuation_is_averaged_over_composition():
    od = density_of([0.345, 1.0, 0.8])
    options = ThicknessOptions(delithiated_formula="FePO4", delithiated_density=3.70, mean_lithium_fraction=0.5)
    lengths = [attenuation_length("LiFePO4", 3.60, 703.0), attenuation_length("FePO4", 3.70, 703.0)]
    expected = 0.345 / (0.5 / lengths[0] + 0.5 / lengths[1])
    np.testing.assert_allclose(thickness(od, options=options), expected, rtol=1e-5)
    with pytest.raises(OptionError, match="delithiated_density"):
        thickness(od, options=ThicknessOptions(delithiated_formula="FePO4"))
