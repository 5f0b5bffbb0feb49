from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.report import FigureOptions, PageOptions
from lithiscope.report.page import cell_tables, particle_tables
from lithiscope.report.page.cell import cell_sections
from lithiscope.report.page.kinetics import kinetic_sections
from lithiscope.report.page.results import Study, known_results

NAMES = ("particle", ["P01", "P02"])
HALVES = {"half_cycle": ("half_cycle", [0, 1]), "direction": ("half_cycle", [1, -1])}
GRID = "particle half_cycle"


def sections(results):
    study = Study(known_results(results), PageOptions(movie=False), FigureOptions(format="svg"))
    return {one.identity: one for one in (*cell_sections(study), *kinetic_sections(study))}


def column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


def resistance():
    return stages.new(
        "resistance",
        {"resistance_ohm": ("", 1.02e8), "resistance_std": ("", 1.5e6), "step_second": ("step", [1.0, 9.0])},
        coords={"step": ("step", [0, 1])},
        attrs={"method": "steps", "time_scale_second": 0.25},
    )


def equilibrium():
    share = np.linspace(0, 1, 11)
    hysteresis = 0.041 + 0.01 * (share - 0.5)
    return stages.new(
        "equilibrium_voltage",
        {"plateau_volt": ("", 3.42472), "plateau_std": ("", 4e-4), "plateau_gap_volt": ("", 0.041),
         "plateau_gap_std": ("", 2e-4), "hysteresis_volt": ("lithium_share", hysteresis)},
        coords={"lithium_share": ("lithium_share", share)},
        attrs={"method": "plateaus", "c_rate": "0.05, 0.05"},
    )  # fmt: skip


def population():
    return stages.new(
        "population",
        {
            "activity": (GRID, [["active", "inactive"], ["active", "active"]]),
            "status": ("particle", ["delaminated", "active"]),
            "delaminated_from": ("particle", [1, -1]),
            "path_slope": (GRID, [[1.1, 0.02], [0.9, 0.95]]),
            "path_slope_std": (GRID, np.full((2, 2), 0.03)),
            "concurrency": ("half_cycle", [0.8, np.nan]),
            "concurrency_std": ("half_cycle", [0.05, np.nan]),
            "concurrency_flag": ("half_cycle", [0, stages.flag_bit("unsolvable")]),
            "particle_count": ("half_cycle", [2, 1]),
            "path_curve": ("particle time", np.zeros((2, 3))),
        },
        coords={"particle": NAMES, **HALVES, "time": ("time", [0.0, 60.0, 120.0])},
    )


def asymmetry():
    ratio = np.log([[2.0], [1.5]])
    return stages.new(
        "rate_asymmetry",
        {
            "c_rate": (GRID, [[0.3, 0.31], [0.29, np.nan]]),
            "c_rate_std": (GRID, np.full((2, 2), 0.01)),
            "c_rate_flag": (GRID, [[0, 0], [0, stages.flag_bit("missing")]]),
            "log_ratio": ("particle pair", ratio),
            "log_ratio_std": ("particle pair", np.full((2, 1), 0.1)),
            "first": ("pair", [0]),
            "second": ("pair", [1]),
        },
        coords={"particle": NAMES, **HALVES},
        attrs={"lithium_fraction": 0.5},
    )


def boundaries():
    flag = [[0, stages.flag_bit("unsolvable")], [0, 0]]
    return stages.new(
        "boundary_table",
        {
            "boundary_angle": ("particle time", [[48.0, np.nan], [10.0, 12.0]]),
            "boundary_angle_std": ("particle time", np.full((2, 2), 2.0)),
            "boundary_angle_flag": ("particle time", flag),
            "facet_angle": ("particle time", [[45.0, np.nan], [0.0, 0.0]]),
            "facet_difference": ("particle time", [[3.0, np.nan], [10.0, 12.0]]),
            "facet_difference_flag": ("particle time", flag),
            "coherence": ("particle time", np.full((2, 2), 0.7)),
        },
        coords={"particle": NAMES, "time": ("time", [0.0, 600.0])},
        attrs={"facets": "stated"},
    )


def path():
    values = np.array([[2.0, 5.0], [1.0, 4.0]])
    ends = {"": 0.0, "_low": -0.5, "_high": 0.5}
    return stages.new(
        "stability_path",
        {
            **{f"largest_log_growth{end}": (GRID, values + by) for end, by in ends.items()},
            **{f"unstable_share{end}": (GRID, 0.1 * values + 0.1 * by) for end, by in ends.items()},
            "growth_rate": ("particle interval", np.zeros((2, 3))),
        },
        coords={"particle": NAMES, **HALVES, "of_half_cycle": ("interval", [0, 0, 1])},
        attrs={"state": "F = 1", "rate_constant": "0.01 +- 0.001 A/m2"},
    )


def dose():
    return stages.new(
        "dose_table",
        {"dose": ("particle", [7e7, 2e7]), "first_above": ("particle", [3, -1]),
         "second_above": ("particle", [1800.0, np.nan])},
        coords={"particle": NAMES},
        attrs={"limit": 6e7, "of": "largest pixel"},
    )  # fmt: skip


def shift():
    return stages.new(
        "surface_shift",
        {
            "lithium_fraction": ("particle interval", [[0.4, 0.6, 0.5]]),
            "spread": ("particle interval", [[0.1, 0.1, 0.1]]),
            "relative_shift": ("particle interval", [[-0.02, -0.04, -0.5]]),
        },
        coords={"particle": ("particle", ["P01"]), "time": ("interval", [0.0, 60.0, 120.0]),
                "half_cycle": ("interval", [0, 0, -1]), "direction": ("interval", [1, 1, 0])},
        attrs={"law": "skewed_lim"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "made", "section", "tables"),
    [
        ("resistance", resistance, "half-cycles", ["cell-numbers"]),
        ("equilibrium_voltage", equilibrium, "half-cycles", ["cell-numbers"]),
        ("population", population, "population", ["active-particles", "concurrency"]),
        ("rate_asymmetry", asymmetry, "rates", ["at-one-composition", "directions"]),
        ("boundaries", boundaries, "relaxation", ["rest-angles"]),
        ("surface_shift", shift, "channels", ["surface-shift"]),
    ],
)
def test_each_result_alone_is_on_the_page(name, made, section, tables):
    found = sections({name: made()})
    assert list(found) == [section]
    assert [table.name for table in found[section].tables] == tables
    for table in found[section].tables:
        rows = list(csv.reader(io.StringIO(table.csv)))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


def test_growth_stands_beside_the_diagram(kinetics):
    (section,) = [one for key, one in sections({"law_fit": kinetics["law_fit"], "stability_path": path()}).items()
                  if key == "stability"]  # fmt: skip
    (table,) = section.tables
    assert column(table, "Largest ln growth") == [2.0, 5.0, 1.0, 4.0]
    assert column(table, "95 % from")[1] == 4.5
    assert "0.01 +- 0.001 A/m2" in table.caption


def test_resistance_and_equilibrium_voltage_in_readable_units():
    table = cell_tables.cell_number_rows(resistance(), equilibrium())
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Ohmic resistance"][0] == pytest.approx(102)
    assert rows["Ohmic resistance"][1:3] == (pytest.approx(1.5), "MΩ")
    assert rows["Time below which a drop counts as ohmic"][0] == 0.25
    assert rows["Equilibrium voltage at half capacity"][0] == "3.4247"
    assert rows["Gap between the directions at half capacity"][0] == pytest.approx(41)
    # Between a tenth and nine tenths, both ends left out: 0.2 to 0.8.
    assert rows["Largest hysteresis between a tenth and nine tenths"][0] == pytest.approx(44)
    assert cell_tables.cell_number_rows(None, None) is None


def test_idle_particles_are_named():
    assert cell_tables.population_text(population()) == "1 of 2 particles are active; delaminated: P01."
    first, second = cell_tables.population_rows(population())
    assert first.rows[0][:4] == ("P01", "delaminated", "1", "active")
    assert column(second, "Inactive") == [0, 1]
    assert column(second, "Particles") == [2, 1]


def test_directions_are_compared_particle_by_particle():
    # Geometric mean of 2 and 1.5; the standard error of two logarithms is half their difference.
    mean = np.sqrt(3.0)
    error = mean * np.log(2 / 1.5) / 2
    text = particle_tables.asymmetry_text(asymmetry())
    assert f"is {mean:.3g} ± {error:.2g} times" in text
    assert text.endswith("(2 particles).")
    assert column(particle_tables.asymmetry_rows(asymmetry())[1], "Ratio") == pytest.approx([2.0, 1.5])
    assert particle_tables.asymmetry_text(asymmetry().drop_vars("log_ratio")) == ""


def test_boundaries_beside_their_facets():
    table = particle_tables.boundary_rows(boundaries())
    assert column(table, "Boundary less facet / °")[::2] == [3.0, 10.0]
    assert column(table, "Time / min") == [0.0, 10.0, 0.0, 10.0]


def test_the_dose_against_the_limit_and_when_it_was_passed():
    table = particle_tables.dose_rows(dose())
    assert column(table, "Dose over limit") == pytest.approx([7 / 6, 1 / 3])
    assert column(table, "Passed in scan") == ["4", "not passed"]
    assert column(table, "Passed at / min")[0] == 30.0
    assert "60 MGy" in table.caption
    small = particle_tables.dose_rows(dose().assign(dose=lambda d: d["dose"] * 1e-3).assign_attrs(limit=6e4))
    assert column(small, "Dose / kGy") == pytest.approx([70.0, 20.0])
    assert "60 kGy" in small.caption


def test_the_shift_of_the_law_leaves_rests_out():
    table = particle_tables.surface_shift_rows(shift())
    assert table.rows == (("P01", 0, pytest.approx(0.5), pytest.approx(0.1), pytest.approx(-3.0), 2),)


def test_capacity_without_the_blank_and_voltage_over_charge_are_drawn():
    voltage, share = np.linspace(3.3, 3.6, 40), (np.arange(50) + 0.5) / 50
    peak = np.exp(-(((voltage - 3.45) / 0.02) ** 2))
    net = stages.new(
        "incremental_capacity",
        {"incremental_capacity": ("half_cycle voltage", np.stack([peak, 2 * peak]))},
        coords={**HALVES, "voltage": ("voltage", voltage)},
        attrs={"blank": "2 half cycles"},
    )
    slope = 1e7 * (1 + 1 / share / (1 - share))
    differential = stages.new(
        "differential_voltage",
        {
            "differential_voltage": ("half_cycle share", np.stack([-slope, slope])),
            "capacity_ah": ("half_cycle", [3e-9] * 2),
        },
        coords={**HALVES, "share": ("share", share)},
    )
    results = {"without_blank": net, "differential_voltage": differential}
    section = sections(results)["half-cycles"]
    assert [drawing.name for drawing in section.drawings] == ["without-blank", "voltage-derivative"]
    assert "2 half cycles" in section.drawings[0].caption
    text = section.drawings[1].draw().decode()
    assert "<svg" in text
    assert "Left out" not in section.drawings[1].caption
    pulse = differential.assign(capacity_ah=("half_cycle", [3e-9, 2e-10], differential["capacity_ah"].attrs))
    drawing = sections({"differential_voltage": pulse})["half-cycles"].drawings[0]
    assert drawing.caption.endswith("less than a tenth of the largest charge (1).")
    assert "delithiation" not in drawing.draw().decode()
    lost = differential.assign(differential_voltage=differential["differential_voltage"] * np.nan)
    lost["differential_voltage"].attrs = differential["differential_voltage"].attrs
    assert b"<svg" in sections({"differential_voltage": lost})["half-cycles"].drawings[0].draw()
