from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError, StageError
from lithiscope.kinetics import (
    active_particles,
    fast_domains,
    global_against_particle,
    pathway,
    pathway_diagram,
    solid_solution_fraction,
    uniformity,
)
from lithiscope.kinetics.options import PathwayOptions
from truth import domain_truth

SHAPE, PIXEL = (34, 34), domain_truth.PIXEL
Y, X = (np.indices(SHAPE) - 16.5) * PIXEL
DISC = np.hypot(Y, X) <= 14.5 * PIXEL
MEANS = np.linspace(0.1, 0.9, 9)


def front(means):
    """Rich and poor parted by a boundary of 0.1 um that sweeps the particle; the end compositions are 0.03 and 0.97."""
    places = np.quantile(X[DISC], np.clip((means - 0.03) / 0.94, 0.001, 0.999))
    return 0.97 - 0.94 * ndtr((X - places[:, None, None]) * 25)


def two_domains(means):
    k = np.where(np.hypot(X - 0.2, Y) < 0.35, 3.0, 1.0)
    result = np.full((len(means), *SHAPE), np.nan)
    result[:, DISC] = domain_truth.half_cycle(k[DISC], 1, means)
    return result


def even(means):
    return np.broadcast_to(means[:, None, None], (len(means), *SHAPE))


KINDS = {"phase separation": front, "nonuniform solid solution": two_domains, "uniform solid solution": even}


def study(pieces, *, sigma=0.065, seed=0, rates=None, mask=DISC):
    """Stages of a study of one particle: pieces are (pictures, half cycle, direction)."""
    x = np.concatenate([piece for piece, _, _ in pieces])
    half = np.concatenate([np.full(len(piece), number) for piece, number, _ in pieces])
    direction = np.concatenate([np.full(len(piece), way) for piece, _, way in pieces])
    x = np.where(mask, x + sigma * np.random.default_rng(seed).standard_normal(x.shape), np.nan)
    video = domain_truth.as_video(x, sigma, mask, 600.0 * np.arange(len(x)), half, direction)
    labels = domain_truth.as_labels(mask)
    return (
        uniformity(video, labels, applied_c_rate=rates),
        solid_solution_fraction(video, labels),
        fast_domains(video, labels),
    )


@pytest.mark.parametrize("name", KINDS)
def test_the_three_pathways(name):
    for seed in range(3):
        table = pathway(*study([(KINDS[name](MEANS), 0, 1)], seed=seed))
        assert table["pathway"].values.tolist() == [[name]]
        chosen = table["pathway_name"].values.tolist().index(name)
        assert table["probability"].values[0, 0, chosen] > 0.98
        assert table["probability"].values.sum() == pytest.approx(1.0)
        assert table["frame_count"].values.tolist() == [[5]]


def test_figures_behind_the_verdict():
    separated, mixed, uniform = (pathway(*study([(make(MEANS), 0, 1)])) for make in KINDS.values())
    assert separated["domain_contrast"].values[0, 0] == pytest.approx(0.94, abs=0.08)
    assert uniform["domains_found"].values[0, 0] == 0
    assert mixed["solid_solution_fraction"].values[0, 0] > 0.7
    assert "0.85" in mixed.attrs["rule"]


def test_a_case_at_the_limit_is_not_decided_as_often_as_its_error_says():
    """With the limit at the true coefficient of the particle the verdict is open in 80 % (confidence 0.9)."""
    runs = [study([(two_domains(MEANS), 0, 1)], seed=seed) for seed in range(30)]
    limit = float(np.mean([float(u["uniformity"][0, 0]) for u, _, _ in runs]))
    open_ones = sum(
        str(pathway(*run, options=PathwayOptions(uniform_above=limit))["pathway"].values[0, 0]) == "not decidable"
        for run in runs
    )
    # Binomial for 30 runs at 0.8: 4 standard deviations.
    assert abs(open_ones - 24) <= 4 * np.sqrt(30 * 0.8 * 0.2)


def test_the_last_frame_of_a_rest_is_a_case():
    relaxed = front(np.array([0.5]))
    between = 0.5 * relaxed + 0.5 * two_domains(np.array([0.5]))
    pieces = [(two_domains(MEANS[:5]), 0, 1), (np.concatenate([between, relaxed]), -1, 0)]
    table = pathway(*study(pieces, rates={0: 0.6}))
    assert table["half_cycle"].values.tolist() == [0, -1]
    assert table["applied_c_rate"].values.tolist() == [0.6, 0.0]
    assert table["pathway"].values.tolist() == [["nonuniform solid solution", "phase separation"]]


def test_a_half_cycle_without_frames_near_half_charge_is_not_decided():
    table = pathway(*study([(two_domains(np.array([0.05, 0.1, 0.9, 0.95])), 0, 1)]))
    assert table["pathway"].values[0, 0] == "not decidable"
    assert table["reason"].values[0, 0] == "no frame near half charge"
    assert np.isnan(table["probability"].values).all()


def made(pathways, rates, directions):
    """A pathway_table of stated verdicts (particle, case)."""
    pathways = np.array(pathways, dtype=str)
    names = ["phase separation", "nonuniform solid solution", "uniform solid solution"]
    return stages.new(
        "pathway_table",
        {"pathway": ("particle case", pathways)},
        coords={
            "particle": ("particle", np.array([f"p{k}" for k in range(len(pathways))])),
            "pathway_name": ("pathway_name", np.array(names)),
            "half_cycle": ("case", np.arange(pathways.shape[1])),
            "direction": ("case", directions),
            "applied_c_rate": ("case", rates),
        },
    )


P, N, U, O = "phase separation", "nonuniform solid solution", "uniform solid solution", "not decidable"  # noqa: E741


def test_particles_are_counted_by_rate_and_direction():
    one = made([[N, N, U, P], [N, U, U, P], [O, N, O, N]], [0.2, 0.2, 2.0, 0.0], [1, 1, 1, 0])
    two = made([[U, N]], [2.0, 0.2], [1, -1])
    diagram = pathway_diagram([one, two])
    assert diagram["group"].values.tolist() == ["lithiation 0.2C", "lithiation 2C", "delithiation 0.2C", "rest"]
    # The second particle took two pathways at 0.2C: half of it each.
    np.testing.assert_allclose(diagram["count"].values, [[0, 2.5, 0.5], [0, 0, 3], [0, 1, 0], [2, 1, 0]])
    assert diagram["undecided_count"].values.tolist() == [0, 1, 0, 0]
    assert diagram["particle_count"].values.tolist() == [3, 3, 1, 3]
    np.testing.assert_allclose(diagram["share"].values.sum(axis=1), 1.0)
    assert diagram["share_low"].values[1].tolist()[:2] == [0.0, 0.0]
    assert diagram["share_high"].values[1, 2] == 1.0
    low, high = diagram["share_low"].values[3, 0], diagram["share_high"].values[3, 0]
    assert 0.1 < low < 2 / 3 < high < 0.98


def test_rates_are_grouped_by_edges():
    table = made([[N, U, U]], [0.3, 0.9, 2.0], [1, 1, 1])
    diagram = pathway_diagram([table], options=PathwayOptions(edges=(0.5,)))
    np.testing.assert_allclose(diagram["c_rate"].values, [0.3, 1.45])


def test_ranges_of_shares_cover():
    """Shares of 0.3 among 12 particles: Jeffreys' 95 % range covers on average; binomial over 400 at 1 in 1000."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        table = made([[N if one else U] for one in rng.random(12) < 0.3], [1.0], [1])
        diagram = pathway_diagram([table])
        inside += bool(diagram["share_low"].values[0, 1] <= 0.3 <= diagram["share_high"].values[0, 1])
    # For a single share the coverage of a binomial range swings by 3 % about its nominal one.
    assert 0.89 <= inside / 400 <= 0.995


def population_of(x, half, direction):
    table = stages.new(
        "particle_table",
        {
            "lithium_fraction": ("particle time", x),
            "lithium_fraction_std": ("particle time", np.full(x.shape, 0.005)),
            "area": ("particle", np.ones(len(x))),
            "pixel_count": ("particle", np.full(len(x), 400)),
        },
        coords={
            "particle": ("particle", np.array([f"p{k}" for k in range(len(x))])),
            "time": ("time", 600.0 * np.arange(x.shape[1])),
            "half_cycle": ("time", half),
            "direction": ("time", direction),
        },
    )
    return global_against_particle(table)


def test_active_particles_against_rate():
    """Ten particles one after the other, then together."""
    steps = np.linspace(0, 1, 21)
    begin = np.arange(10)[:, None] / 10
    slow = np.clip((steps - begin) * 5, 0.02, 0.98)
    together = np.tile(steps, (10, 1))
    x = np.concatenate([slow, together], axis=1)
    half, direction = np.repeat([0, 1], 21), np.ones(42, int)
    population = population_of(x, half, direction)
    found = active_particles(population, half, {0: 0.1, 1: 2.0})
    assert found["c_rate"].values.tolist() == [0.1, 2.0]
    share = found["value"].values
    assert share[0] < 0.25
    assert share[1] == 1.0
    assert (found["low"].values <= share).all()
    assert (found["high"].values >= share).all()
    assert found["particle_count"].values.tolist() == [10, 10]
    with pytest.raises(StageError, match="every frame needs its half cycle"):
        active_particles(population, half[:-1], {0: 0.1})
    with pytest.raises(AnalysisError, match="no half cycle has a C-rate and"):
        active_particles(population, half, {})


def test_bad_input_is_refused():
    even_table, phases, domains = study([(two_domains(MEANS), 0, 1)])
    with pytest.raises(StageError, match="different particles"):
        pathway(even_table.assign_coords(particle=["other"]), phases, domains)
    with pytest.raises(StageError, match="different frames"):
        pathway(even_table, phases, domains.isel(time=slice(1, None)))
    with pytest.raises(AnalysisError, match="half cycle"):
        pathway(even_table, phases.drop_vars("direction"), domains)
    with pytest.raises(AnalysisError, match="nothing to count"):
        pathway_diagram([])
    with pytest.raises(AnalysisError, match="no half cycle has a C-rate"):
        pathway_diagram([made([[N]], [np.nan], [1])])
    with pytest.raises(OptionError, match="must ascend"):
        PathwayOptions(edges=(1.0, 0.5))
