from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from lithiscope.report.page import kinetic_tables as tables
from lithiscope.report.page.tables import long_csv
from report import kinetic_scene


def column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_half_cycles_in_readable_units(kinetics):
    found = tables.half_cycle_rows(kinetics["half_cycles"])
    assert column(found, "Direction") == ["lithiation", "delithiation", "lithiation", "delithiation"]
    np.testing.assert_allclose(column(found, "Charge / nAh"), 2.82)
    assert column(found, "Current / nA")[1] == pytest.approx(1.8)
    volts = kinetics["half_cycles"]["mid_voltage_volt"].values
    assert column(found, "Mid voltage / V") == [f"{v:.4f}" for v in volts]


def test_rates_are_means_over_the_intervals_of_a_half_cycle(kinetics):
    table = kinetics["rate_table"]
    found = tables.rate_rows(table)
    assert len(found.rows) == 3 * 4
    here = table["half_cycle"].values == 2
    assert found.rows[2][:5] == ("P01", 2, "lithiation", 7, 2.0)
    assert column(found, "Mean C-rate / (1/h)")[2] == pytest.approx(table["c_rate"].values[0, here].mean())
    rows = read(found.csv)
    assert len(rows) == 3 * 31
    assert float(rows[31 + 4]["c_rate / 1/h"]) == pytest.approx(table["c_rate"].values[1, 4], rel=1e-6)
    assert rows[0]["applied_c_rate / 1/h"] == rows[31]["applied_c_rate / 1/h"]


def test_laws_with_their_systematic_shifts_and_points(kinetics):
    found = tables.law_rows(kinetics["law_fit"])
    assert column(found, "Law") == ["skewed lim", "symmetric"]
    assert column(found, "k₀ / (mA/m²)")[0] == pytest.approx(10)
    assert column(found, "inactive face / (mA/m²)")[0] == pytest.approx(10)
    assert column(found, "χ² / dof")[1] == pytest.approx(911 / 64)
    assert len(read(found.csv)) == kinetics["law_fit"].sizes["point"]


def test_evidence_keeps_each_piece_apart(kinetics):
    found = tables.evidence_rows(kinetics["evidence"])
    assert column(found, "Verdict")[-1] == "not decidable"
    assert column(found, "Turns at") == [1.0, 0.5, 0.1, 0.5]
    assert column(found, "Evidence")[2] == "gradient width"


def test_evidence_of_several_cases_and_their_verdicts():
    cases = kinetic_scene.make_cases()
    found = tables.evidence_rows(cases)
    assert found.rows[2][:3] == ("p01", 1, "measured ratio of times")
    assert len(read(found.csv)) == 8
    verdicts = tables.case_rows(cases)
    assert column(verdicts, "Verdict")[2:] == ["not decidable"] * 2
    assert column(verdicts, "j₀ / (mA/m²)") == pytest.approx([10.0] * 4)
    assert column(verdicts, "j₀ from") == ["half cycle 1", "stated", "none", "stated"]
    assert float(read(verdicts.csv)[0]["exchange_current_density / A/m2"]) == pytest.approx(0.01)


def test_uniformity_has_a_row_a_particle_and_half_cycle(kinetics):
    found = tables.uniformity_rows(kinetics["uniformity"])
    assert column(found, "U")[5] == pytest.approx(kinetics["uniformity"]["uniformity"].values[1, 1])
    assert column(found, "Frames") == [8] * 12
    assert read(found.csv)[5]["particle"] == "P02"


def test_a_long_csv_repeats_what_depends_on_less_and_spreads_the_shifts(kinetics):
    channels = kinetics["channels"]
    rows = read(long_csv(channels, ("interval", "channel")))
    assert len(rows) == 6 * 22
    row = rows[3 * 22 + 5]
    assert row["channel"] == "6"
    assert row["interval"] == "3"
    assert float(row["position / um"]) == pytest.approx(0.2)
    assert float(row["time / s"]) == channels["time"].values[3]
    assert float(row["surface_lithium_fraction"]) == pytest.approx(channels["surface_lithium_fraction"].values[3, 5])
    assert float(row["surface_lithium_fraction_shift (surface_average)"]) == pytest.approx(0.04)
    swapped = read(long_csv(channels, ("channel", "interval")))
    assert float(swapped[5 * 6 + 3]["surface_lithium_fraction"]) == float(row["surface_lithium_fraction"])


def test_overlaps_of_domains_beside_those_of_random_places():
    from lithiscope import stages

    agreement = stages.new(
        "domain_agreement",
        {"dice": ("pair", [0.9]), "dice_null": ("pair", [0.3]), "p_value": ("pair", [0.01])},
        coords={
            "particle": ("pair", ["P01"]),
            "kind": ("pair", ["directions"]),
            "first": ("pair", [0]),
            "second": ("pair", [1]),
        },
    )
    found = tables.agreement_rows(agreement)
    assert found.rows == (("P01", "directions", 0, 1, 0.9, 0.3, 0.01),)
