"""The example recipe on the real Fe L-edge stack, through the whole program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.run import run_study
from lithiscope.studies.summary import figures

RECIPE = Path(__file__).parents[2] / "examples" / "als_fe_l_edge.yaml"


def run(real_data: Path, folder: Path, weighting: str):
    data = real_data / "stxm" / "als_fe_l_edge_71214078"
    recipe = load_recipe(RECIPE, settings=[f"composition.unmix.weighting={weighting}"], folder=data)
    study = run_study(recipe, folder)
    return figures(study), study


def test_unweighted_reproduces_the_known_row(real_data, tmp_path):
    found, study = run(real_data, tmp_path, "none")
    # Known-good values of an independent least-squares fit; tolerances are half of the last digit given.
    known = {
        "fit_condition_number": (10.5, 0.05), "fit_residual_rms": (0.0315, 5e-5), "field_mean_oxidized": (0.101, 5e-4),
        "field_mean_reduced": (0.050, 5e-4), "field_mean_offset": (1.027, 5e-4), "field_median_x": (1 - 0.80, 5e-3),
        "field_share_with_x": (0.205, 5e-4),
    }  # fmt: skip
    for name, (value, tolerance) in known.items():
        assert found[name] == pytest.approx(value, abs=tolerance), name
    assert any("I0 by percentile and by spectrum differ" in text for text in study.warnings)


def test_weighted_gives_errors_beside_it(real_data, tmp_path):
    plain, _ = run(real_data, tmp_path / "none", "none")
    found, study = run(real_data, tmp_path / "variance", "variance")
    x, sigma = (study.results["composition"][name].values for name in ("lithium_fraction", "lithium_fraction_std"))
    assert (np.isfinite(x) == np.isfinite(sigma)).all()
    assert 0.03 < found["median_sigma_x"] < 0.2
    # Two honest weightings of the same data agree within the error of one pixel.
    assert abs(found["field_median_x"] - plain["field_median_x"]) < found["median_sigma_x"]
    # The stack was interpolated before it was written, so its noise is smaller than counting says.
    assert 0.5 < found["fit_empirical_over_predicted_sigma"] < 1
