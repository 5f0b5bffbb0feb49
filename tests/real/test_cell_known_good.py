"""Half cycles and plateaus of real cells against values that others have read from the same files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lithiscope.cell import (
    EquilibriumOptions,
    SplitOptions,
    TraceOptions,
    current_edges,
    equilibrium_from_curves,
    equilibrium_voltage,
    fit_clock,
    incremental_capacity,
    join_traces,
    open_trace,
    split,
)

# The LFP voltages come in steps of 0.38 mV; the published values are single samples rounded to 0.1 mV.
DIGIT = 3.9e-4


@pytest.fixture(scope="module")
def known(real_data):
    folder = real_data / "cell"
    if not folder.is_dir():
        pytest.skip(f"no cell data at {folder}")
    return json.loads((folder / "known_good.json").read_text())


def lfp_curve(real_data, direction, rate):
    path = real_data / "cell" / "tum_halfcell_mit" / f"HAIDI18650_Cathode_{direction}_{rate}.mat"
    trace = open_trace(path, options=TraceOptions(capacity_ah=1.0))
    share = trace["net_capacity_ah"].values
    return trace, (share - share.min(), trace["voltage_volt"].values)


@pytest.mark.parametrize(("rate", "mean", "gap"), [("0C02", 3.4247, 41.0), ("0C05", 3.4238, 51.9)])
def test_lfp_plateaus_and_gaps(real_data, known, rate, mean, gap):
    _, out = lfp_curve(real_data, "Delithiation", rate)
    _, into = lfp_curve(real_data, "Lithiation", rate)
    found = equilibrium_from_curves(out, into)
    expected = known["tum_halfcell_mit (normalizedCapacity=0 is low voltage / fully lithiated for BOTH directions)"][
        f"HAIDI18650_Cathode_{rate}"
    ]
    assert (expected["mid_average_V"], expected["mid_gap_mV"]) == (mean, gap)
    assert float(found["plateau_volt"]) == pytest.approx(mean, abs=DIGIT)
    assert 1e3 * float(found["plateau_gap_volt"]) == pytest.approx(gap, abs=1e3 * DIGIT)
    for name, variable in (("Delithiation", "delithiation_volt"), ("Lithiation", "lithiation_volt")):
        for share, volt in expected[name].items():
            value = float(found[variable].interp(lithium_share=1 - float(share)))
            assert value == pytest.approx(volt, abs=DIGIT), (name, share)


def test_lfp_plateaus_through_the_half_cycles(real_data, known):
    # Delithiation, then lithiation, as one trace.
    traces = [lfp_curve(real_data, direction, "0C02")[0] for direction in ("Delithiation", "Lithiation")]
    length = float(traces[0]["test_time_second"][-1])
    trace, half = split(
        join_traces(traces, offsets=[0.0, length + 10.0]), options=SplitOptions(nominal_capacity_ah=1.0)
    )
    assert half["direction"].values.tolist() == [-1, 1]
    np.testing.assert_allclose(half["nominal_c_rate"].values, 0.02, rtol=1e-6)
    np.testing.assert_allclose(half["capacity_ah"].values, 1.0, atol=1e-4)
    found = equilibrium_voltage(trace, half)
    assert float(found["plateau_volt"]) == pytest.approx(3.4247, abs=DIGIT)
    assert 1e3 * float(found["plateau_gap_volt"]) == pytest.approx(41.0, abs=1e3 * DIGIT)
    curves = incremental_capacity(trace, half)
    width = float(curves["voltage"][1] - curves["voltage"][0])
    np.testing.assert_allclose(
        curves["incremental_capacity"].sum("voltage").values * width, half["capacity_ah"].values, rtol=1e-9
    )
    # Nearly all of the charge of LFP passes within 50 mV of its plateau.
    near = np.abs(curves["voltage"].values - 3.4247) < 0.05
    assert np.all(curves["incremental_capacity"].values[:, near].sum(axis=1) * width > 0.85)


@pytest.mark.parametrize("rate", ["0.1C", "0.5C", "1C", "2C"])
def test_lco_voltages_during_discharge(real_data, known, rate):
    current = -2.28 * float(rate[:-1])
    trace = open_trace(
        real_data / "cell" / "enertech_lco_bsd3" / f"{rate}_discharge_U.txt",
        columns={"test_time_second": (0, "s"), "voltage_volt": (1, "V")},
        options=TraceOptions(current_ampere=current),
    )
    marked, half = split(trace, options=SplitOptions(nominal_capacity_ah=2.28))
    expected = known["enertech_lco_bsd3"][rate]
    assert trace.sizes["sample"] == expected["n"]
    assert half["direction"].values.tolist() == [1]
    # The published charge counts n samples, or one fewer.
    assert float(half["capacity_ah"][0]) == pytest.approx(
        expected["Q_end_Ah_assuming_2.28A_per_C"], abs=1.5 * abs(current) / 3600 + 5e-5
    )
    charge = -(current / 3600.0) * marked["test_time_second"].values
    for share, volt in expected["V_at_fraction_of_2.28Ah"].items():
        assert np.interp(float(share) * 2.28, charge, trace["voltage_volt"].values) == pytest.approx(volt, abs=2e-4)
    # The mid voltage is that at half of the charge of this half cycle.
    middle = np.interp(float(half["capacity_ah"][0]) / 2, charge, trace["voltage_volt"].values)
    assert float(half["mid_voltage_volt"][0]) == pytest.approx(middle, abs=1e-3)


def test_the_sequence_of_three_techniques_has_one_clock(real_data, known):
    folder = real_data / "cell" / "galvani_ccby4"
    parts = [open_trace(folder / f"v1150_{name}.mpt", timezone="Europe/Berlin") for name in ("OCV", "CP", "GCPL")]
    trace = join_traces(parts)
    edges = current_edges(trace)
    rng = np.random.default_rng(0)
    image = edges.second - 37.0
    # Three edges far apart, known to 50 ms, over ten minutes.
    chosen = np.array([0, len(image) // 2, len(image) - 1])
    clock = fit_clock(
        trace,
        image_second=image[chosen] + rng.normal(0, 0.05, 3),
        image_second_std=0.05,
        image_start_utc="2024-01-10T10:03:07+00:00",
    )
    assert float(clock["offset_second"]) == pytest.approx(37.0, abs=0.15)
    assert abs(float(clock["drift"])) < 3 * float(clock["drift_std"])
    _, half = split(trace, options=SplitOptions(charge="current"))
    assert set(half["direction"].values.tolist()) == {-1, 1}


def test_a_stated_equilibrium_is_needed_for_one_direction(real_data, known):
    trace, half = split(lfp_curve(real_data, "Delithiation", "0C05")[0])
    found = equilibrium_voltage(trace, half, options=EquilibriumOptions(volt=3.428))
    assert float(found["plateau_volt"]) == 3.428
