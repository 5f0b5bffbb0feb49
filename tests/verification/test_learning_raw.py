"""Raw virtual recordings of a particle whose kinetics are known, and what is learned from them."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.studies.learning import learning_video
from lithiscope.studies.run import run_study
from lithiscope.verification import learning_raw
from lithiscope.verification.learning_found import Found
from lithiscope.verification.learning_raw import beyond, finer, log_rate_at, scene_of, trace_of
from lithiscope.verification.virtual_learning import Course, Truth
from lithiscope.verification.virtual_stxm import offset_of, read_truth

SMALL = Truth(shape=(10, 8), volt_sigma=0.002)


@pytest.fixture
def course() -> Course:
    """Every cell at a value of its own, rising and falling in time."""
    seconds = np.concatenate([np.linspace(0, 5400, 271), 7200 + np.linspace(0, 5400, 271)])
    cells = np.random.default_rng(0).uniform(0.1, 0.9, (10, 8)) * SMALL.mask()
    x = cells * np.concatenate([np.linspace(0, 1, 271), np.linspace(1, 0, 271)])[:, None, None]
    return Course(x, seconds, np.repeat([3.3, 3.5], 271), np.random.default_rng(1))


def test_beyond_a_mask_the_nearest_pixel_counts() -> None:
    picture, mask = np.array([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0]]), np.array([[True, False, False], [True, True, False]])
    filled = beyond(np.stack([picture, 2 * picture]), mask)
    assert (filled[:, mask] == np.stack([picture, 2 * picture])[:, mask]).all()
    assert filled[0, 1, 2] == 3
    assert filled[1, 0, 1] in (2, 6)


def test_the_platelet_has_the_composition_and_the_outline_of_the_cells(course) -> None:
    scene, mask = scene_of(SMALL, course), SMALL.mask()
    centre = scene.platelets[0].centre
    y, x = (centre[axis] + 0.05 * (np.arange(size) - (size - 1) / 2) for axis, size in enumerate(mask.shape))
    for frame in (0, 135, 400):
        seen = scene.fraction(course.seconds[frame] + 300.0, y[:, None], x)
        assert seen[mask] == pytest.approx(course.x[frame][mask], abs=1e-9)
    assert ((scene.label(y[:, None], x) > 0) == mask).all()
    assert log_rate_at(SMALL, 0, scene, y, x)[mask] == pytest.approx(SMALL.log_rate(0)[mask], abs=1e-9)
    assert [part.direction for part in scene.protocol] == [1, -1]
    assert scene.protocol[0].end == pytest.approx(300 + 5400)


def test_finer_cells_make_a_particle_as_large_and_of_the_same_kind() -> None:
    coarse = Truth(shape=(60, 44))
    truth = finer(coarse)
    assert truth.mask().sum() * truth.pixel**2 == pytest.approx(coarse.mask().sum() * coarse.pixel**2, rel=0.01)
    steps = [np.diff(one.log_rate(0), axis=0)[one.mask()[1:] & one.mask()[:-1]] for one in (coarse, truth)]
    # A smooth field changes half as much over half the distance; some fifty patches know each step to 10 %.
    assert steps[1].std() == pytest.approx(steps[0].std() / 2, rel=0.2)


def test_the_trace_has_currents_their_drop_and_the_charge_of_the_half_cycles(course) -> None:
    trace = trace_of(SMALL, course)
    current, volts = trace["current_ampere"].values, trace["voltage_volt"].values
    assert list(np.unique(current)) == pytest.approx([-3e-9, 0, 3e-9])
    # 3 nA through 100 Mohm are 0.3 V; offset 20 mV, drops 1 mV and noise 2 mV are one deviation each.
    assert volts[current < 0].mean() == pytest.approx(3.3 - 0.3, abs=0.06)
    assert volts[current > 0].mean() == pytest.approx(3.5 + 0.3, abs=0.06)
    charge = trace["net_capacity_ah"].values
    assert charge.min() == pytest.approx(-0.9 * 5e-9, rel=1e-3)  # the ramps of a second at both ends add 2e-4
    assert charge[-1] == pytest.approx(0, abs=1e-14)


@pytest.mark.filterwarnings("ignore::lithiscope.errors.LithiscopeWarning")
def test_what_the_recipe_makes_of_the_raw_files_is_the_particle(tmp_path) -> None:
    recipe, scene = learning_raw.write_raw(finer(SMALL), 0, tmp_path)
    learning = recipe.learning
    assert learning.compute
    assert learning.voltage
    results = run_study(
        recipe.model_copy(update={"learning": learning.model_copy(update={"compute": False})}), tmp_path / "results"
    ).results
    video, names = learning_video(recipe, results)
    inside = video["label"].values > 0
    assert len(names) == 1
    assert abs(inside.sum() - SMALL.mask().sum()) < 10
    std = video["lithium_fraction_std"].values[:, inside]
    # Counting alone; at the rim of so small a particle an error of its shift counts as much.
    assert np.median(std) == pytest.approx(0.07, abs=0.01)
    truth = read_truth(tmp_path / "raw" / "truth.zarr")
    away = offset_of(truth, results["alignment"])
    late = float(truth["exposure_mid"].values[0, 0] - results["recording"]["exposure_mid"].values[0, 0])
    y, x = video["y"].values[:, None] - away[0], video["x"].values - away[1]
    true = np.stack([scene.fraction(time + late, y, x) for time in video["time"].values])
    pull = (video["lithium_fraction"].values - true)[:, inside] / std
    # The probe blurs so small a particle, on delithiation most of all; without that it is 1.
    assert 0.9 < np.sqrt(np.mean(pull**2)) < 1.3


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::lithiscope.errors.LithiscopeWarning")
def test_rates_are_learned_from_raw_files(tmp_path) -> None:
    found = learning_raw.learned_raw(finer(Truth(shape=(16, 12), volt_sigma=0.002)), 0, tmp_path)
    assert found.correlation > 0.93
    assert found.rate_error < 0.15


def test_rows_tell_the_worst() -> None:
    few, most = np.arange(100) < 80, np.arange(100) < 90
    found = [Found(0.95, 0.12, 0, 0, 0, few, 1.05, 1.0), Found(0.92, 0.16, 0, 0, 0, few, 1.12, 1.0)]
    rows = list(learning_raw._rows("a particle", found))
    assert [row.verdict for row in rows] == ["fail"] * 4
    assert rows[0].measured == 0.8
    # 25 rates of one particle tell a share of 0.95 to 0.13, three deviations; 50 of two to 0.092.
    good = Found(0.95, 0.12, 0, 0, 0, most, 1.05, 1.0)
    assert [row.verdict for row in learning_raw._rows("a particle", [good])] == ["pass"] * 4
    assert rows[0].tolerance == pytest.approx(0.0925, abs=1e-4)
