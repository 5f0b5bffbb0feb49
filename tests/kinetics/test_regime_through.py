from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics import bulk_time, diagnose_through, reaction_time
from lithiscope.kinetics.options import RegimeOptions
from lithiscope.report import FigureOptions, PageOptions
from lithiscope.report.page.kinetics import kinetic_sections
from lithiscope.report.page.results import Study, known_results

SURFACE, BULK, OPEN = "surface-reaction-limited", "bulk-diffusion-limited", "not decidable"
LENGTH, RATE, J0 = 150.0, 0.3, 0.006  # nm, 1/h, A/m2 (mean over x)


def table(thickness=(LENGTH, LENGTH), lost=False):
    """Two particles of two regions that fill at 0.3 1/h and empty at 0.6, four intervals of 600 s each."""
    way = np.repeat([1, -1], 4)
    rate = np.tile(np.where(way > 0, RATE, -2 * RATE), (4, 1))
    if lost:
        rate = rate * np.nan
    return stages.new(
        "rate_table",
        {
            "insertion_rate": ("particle interval", rate),
            "insertion_rate_std": ("particle interval", np.full(rate.shape, 0.02)),
            "thickness": ("particle", [*thickness, *thickness]),
            "region": ("particle", ["all", "all", "uniform fast", "uniform fast"]),
        },
        coords={
            "particle": ("particle", ["A", "B", "A fast", "B fast"]),
            "time": ("interval", 300.0 + 600.0 * np.arange(8)),
            "duration": ("interval", np.full(8, 600.0)),
            "before": ("interval", np.arange(8)),
            "after": ("interval", np.arange(1, 9)),
            "half_cycle": ("interval", np.repeat([0, 1], 4)),
            "direction": ("interval", way),
        },
    )


def fit(constant=J0, std=0.0006, preferred="constant"):
    grid = np.linspace(0.01, 0.99, 99)
    shape = np.array([np.ones(99), 3 * (1 - grid) * np.sqrt(grid * (1 - grid))])
    return stages.new(
        "law_fit",
        {
            "x_grid": ("grid", grid),
            "fit": ("law grid", constant * shape),
            "rate_constant": ("law", [constant, constant]),
            "rate_constant_std": ("law", [std, std]),
        },
        coords={"law": ("law", ["constant", "skewed_lim"])},
        attrs={"region": "uniform fast", "preferred": preferred},
    )


def test_the_times_are_those_of_the_formulas():
    found = diagnose_through(table(), fit(), (1e-16, 1e-14))
    assert found["particle"].values.tolist() == ["A fast", "B fast"]
    one = found.isel(particle=0, half_cycle=1)
    assert float(one["tau_bulk_low"]) == pytest.approx(bulk_time(LENGTH / 2, 1e-14))
    assert float(one["tau_bulk_high"]) == pytest.approx(bulk_time(LENGTH / 2, 1e-16))
    assert float(one["tau_bulk"]) == pytest.approx(bulk_time(LENGTH / 2, 1e-15))
    assert float(one["tau_reaction"]) == pytest.approx(reaction_time(LENGTH, J0))
    assert float(one["tau_process"]) == pytest.approx(3600 / (2 * RATE))
    assert found["direction"].values.tolist() == [1, -1]
    assert found.attrs["diffusion_time"] == "stated"
    assert str(one["exchange_current_source"].values) == "the fit"


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(100.0, SURFACE), (2.0, OPEN), (1.0, OPEN), (0.5, OPEN), (0.01, BULK)]
)  # fmt: skip
def test_a_verdict_needs_times_that_are_a_factor_of_three_apart(ratio, verdict):
    bulk = reaction_time(LENGTH, J0) / ratio
    known = (LENGTH / 2 * 1e-9) ** 2 / bulk
    found = diagnose_through(table(), fit(), (known / 1.5, known * 1.5), exchange_current=(J0, 0.1 * J0))
    assert found["overall_verdict"].values.ravel().tolist() == [verdict] * 4
    assert found.attrs["verdict"] == verdict
    assert found["evidence"].values.tolist() == ["ratio_of_times"]
    assert str(found["exchange_current_source"].values[0, 0]) == "stated"


def test_a_range_of_d_that_spans_both_limits_decides_nothing():
    found = diagnose_through(table(), fit(), (1e-21, 1e-13))
    assert found.attrs["verdict"] == OPEN


def test_the_law_that_is_preferred_gives_the_mean_of_j0():
    found = diagnose_through(table(), fit(preferred="skewed_lim"), (1e-16, 1e-14))
    # The mean of 3 (1-x) sqrt(x(1-x)) is 3 pi/16; the grid leaves one hundredth out at either end.
    assert float(found["exchange_current_density"][0, 0]) == pytest.approx(J0 * 3 * np.pi / 16, rel=0.02)
    relative = found["exchange_current_density_std"] / found["exchange_current_density"]
    np.testing.assert_allclose(relative, 0.1)


def test_faces_and_thickness_change_the_way():
    one = diagnose_through(table(), fit(), (1e-16, 1e-14), options=RegimeOptions(faces=1))
    assert float(one["tau_bulk"][0, 0]) == pytest.approx(bulk_time(LENGTH, 1e-15))
    half = diagnose_through(table((LENGTH, np.nan)), fit(), (1e-16, 1e-14))
    assert half["overall_verdict"].values[1].tolist() == [OPEN, OPEN]
    assert "neither thickness nor rate" in str(half["overall_confidence"].values[1, 0])
    assert np.isnan(half["tau_bulk"].values[1]).all()


def test_what_cannot_be_weighed_is_told():
    with pytest.raises(AnalysisError, match="need a thickness"):
        diagnose_through(table().drop_vars("thickness"), fit(), (1e-16, 1e-14))
    with pytest.raises(AnalysisError, match="no law was fitted"):
        diagnose_through(table(), fit(np.nan), (1e-16, 1e-14))
    with pytest.raises(AnalysisError, match="moved in a half cycle"):
        diagnose_through(table(), fit().assign_attrs(region="slow"), (1e-16, 1e-14))
    with pytest.raises(AnalysisError, match="thickness and a rate"):
        diagnose_through(table(lost=True), fit(), (1e-16, 1e-14))


def test_the_page_says_that_it_rests_on_one_piece_and_draws_the_diagram():
    results = known_results({"evidence": diagnose_through(table(), fit(), (1e-16, 1e-14))})
    (section,) = kinetic_sections(Study(results, PageOptions(movie=False), FigureOptions(format="svg")))
    assert [drawing.name for drawing in section.drawings] == ["evidence", "morphology"]
    assert all(drawing.draw().startswith(b"<?xml") for drawing in section.drawings)
    assert "one piece of evidence" in section.explanation
    assert "stated range of D" in section.drawings[1].caption
    assert [t.name for t in section.tables] == ["verdicts", "evidence"]
    assert "stated range of D" in section.tables[0].caption
