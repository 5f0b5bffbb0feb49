"""Files of real potentiostats, against the figures noted when they were collected and against each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lithiscope.cell import TraceOptions, check_trace, join_traces, open_trace, read_impedance
from lithiscope.errors import AnalysisError, FileFormatError, LithiscopeWarning

ONE_AH = TraceOptions(capacity_ah=1.0)
PAIRS = {"bio_logic1": 3119, "v1150_OCV": 43, "v1150_CP": 44, "v1150_GCPL": 132}


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "cell"


@pytest.fixture(scope="module")
def known(folder: Path):
    return json.loads((folder / "known_good.json").read_text())


@pytest.mark.parametrize(("name", "rows"), PAIRS.items())
def test_text_and_binary_of_biologic_hold_the_same_rows(folder, name, rows) -> None:
    pytest.importorskip("galvani")
    text, binary = (open_trace(folder / "galvani_ccby4" / f"{name}.{end}") for end in ("mpt", "mpr"))
    assert text.sizes["sample"] == binary.sizes["sample"] == rows
    assert not text["sample_flag"].any()
    assert not binary["sample_flag"].any()
    shared = sorted({str(v) for v in text.data_vars} & {str(v) for v in binary.data_vars} - {"sample_flag"})
    assert {"test_time_second", "voltage_volt", "current_ampere"} <= set(shared)
    for variable in shared:
        # bio_logic1 is printed with five decimals of a second; the rest has 16 digits of a double, or the eight of
        # a float32 (half a unit in the eighth is 5e-8).
        digits = {"atol": 5.1e-6} if name == "bio_logic1" and variable == "test_time_second" else {"atol": 1e-15}
        np.testing.assert_allclose(text[variable], binary[variable], rtol=6e-8, **digits, err_msg=variable)


def test_potentials_are_equal_as_float32(folder) -> None:
    pytest.importorskip("galvani")
    for name in PAIRS:
        text, binary = (open_trace(folder / "galvani_ccby4" / f"{name}.{end}") for end in ("mpt", "mpr"))
        np.testing.assert_array_equal(
            text["voltage_volt"].values.astype(np.float32), binary["voltage_volt"].values.astype(np.float32)
        )


@pytest.mark.parametrize("name", ["bio_logic1", "v1150_GCPL"])
def test_current_from_charge_is_what_ec_lab_shows(folder, name) -> None:
    pytest.importorskip("galvani")
    shown = open_trace(folder / "galvani_ccby4" / f"{name}.mpt")
    rebuilt = open_trace(folder / "galvani_ccby4" / f"{name}.mpr")
    assert (shown.attrs["current_source"], rebuilt.attrs["current_source"]) == ("measured", "from charge")
    # known_good.json: to 1e-16 mA.
    assert np.abs(shown["current_ampere"].values - rebuilt["current_ampere"].values).max() <= 1e-16 * 1e-3


def test_one_acquisition_in_three_files(folder) -> None:
    paths = [folder / "galvani_ccby4" / f"v1150_{name}.mpt" for name in ("GCPL", "OCV", "CP")]
    traces = [open_trace(path, timezone="Europe/Paris") for path in paths]
    for trace in traces:
        assert trace.attrs["start_local"] == "2024-01-10T11:02:29.886000"
        assert trace.attrs["start_utc"] == "2024-01-10T10:02:29.886000+00:00"
    # The techniques take turns four times: OCV from 1 s, CP from 11 s, GCPL from 30.153 s.
    assert [float(trace["test_time_second"][0]) for trace in traces] == pytest.approx([30.153, 1.0, 11.0], abs=1e-3)
    joined = join_traces(traces)
    assert joined.sizes["sample"] == 43 + 44 + 132
    assert np.all(np.diff(joined["test_time_second"]) > 0)
    assert np.isfinite(joined["current_ampere"]).all()
    assert joined.attrs["start_utc"] == "2024-01-10T10:02:29.886000+00:00"
    with pytest.raises(AnalysisError, match="overlap"):
        join_traces([*traces, traces[0]])


def test_a_file_without_header(folder) -> None:
    trace = open_trace(folder / "pyprobe_bsd3" / "Sample_data_biologic_no_header.mpt")
    assert trace.sizes["sample"] == 12 + 1
    assert trace["test_time_second"][0] == 2.816723801174285e5
    assert trace["voltage_volt"][0] == 2.9344745
    assert trace["ambient_temperature_celsius"][0] == 24.443432
    assert trace.attrs["voltage_source"] == "cell"


def test_an_impedance_file_with_times(folder) -> None:
    trace = open_trace(folder / "other_instruments_mit" / "exampleDataBioLogic.mpt")
    assert trace.sizes["sample"] == 43
    assert trace["current_ampere"][0] == pytest.approx(-4.8041187e-5)
    for name in ("exampleDataAutolab.txt", "exampleDataCHInstruments.txt"):
        with pytest.raises(FileFormatError, match="no reader knows"):
            open_trace(folder / "other_instruments_mit" / name)


def test_gamry(folder) -> None:
    step = open_trace(folder / "gamry_mit" / "chronoa_data.dta")
    assert step.sizes["sample"] == 10
    assert step.attrs["start_local"] == "2019-03-10T12:00:00"
    # One of the times is written as 90.0001.
    np.testing.assert_allclose(step["test_time_second"], 30.0 * np.arange(10), atol=1.01e-4)
    assert float(step["voltage_volt"][1]) == 0.499669
    assert float(step["current_ampere"][0]) == -2.34197e-8
    sweep = open_trace(folder / "gamry_mit" / "cv_data.dta")
    assert sweep.sizes["sample"] == 50  # five tables of ten
    assert np.all(np.diff(sweep["test_time_second"]) > 0)
    assert float(sweep["current_ampere"][-1]) == 2.62272e-7
    rest = open_trace(folder / "gamry_mit" / "exampleDataGamry.DTA")
    assert rest.sizes["sample"] == 387
    assert rest.attrs["current_source"] == "open circuit"
    with pytest.warns(LithiscopeWarning, match="two ways"):
        german = open_trace(folder / "gamry_mit" / "ocp_data.dta")
    assert german.sizes["sample"] == 21
    assert float(german["voltage_volt"][-1]) == 3.45678e-2
    with pytest.raises(FileFormatError, match="impedance"):
        open_trace(folder / "gamry_mit" / "eispot_data.dta")


def test_bdf(folder) -> None:
    small = open_trace(folder / "bdf" / "sample.bdf.csv")
    assert small["voltage_volt"].values.tolist() == [3.7, 3.6, 3.5]
    path = folder / "bdf" / "SINTEF__LiGrR2032__2024-04-30__25degC__Landt.bdf.csv"
    trace = open_trace(path)
    assert trace.sizes["sample"] == 25162
    assert float(trace["test_time_second"][-1]) == 262657.764
    assert float(trace["discharging_capacity_ah"].max()) == 0.0063


def test_neware_equals_the_parquet_beside_it(folder) -> None:
    pytest.importorskip("fastnda")
    polars = pytest.importorskip("polars")
    trace = open_trace(folder / "neware_bsd3" / "nw4-120-1-6-53.ndax")
    table = polars.read_parquet(folder / "neware_bsd3" / "nw4-120-1-6-53.parquet")
    assert trace.sizes["sample"] == len(table) == 18700
    # The parquet is rounded to 0.1 mV and 1 uA; float32 adds 1.2e-7 of 4.2 V, or of 2 mA.
    volts, amperes = (table[name].to_numpy().astype(float) for name in ("Voltage(mV)", "Current(uA)"))
    np.testing.assert_allclose(trace["voltage_volt"], volts * 1e-3, rtol=0, atol=5e-5 + 6e-7)
    np.testing.assert_allclose(trace["current_ampere"], amperes * 1e-6, rtol=0, atol=5e-7 + 3e-10)
    np.testing.assert_array_equal(trace["test_time_second"], table["Total Time"].to_numpy())
    np.testing.assert_array_equal(trace["step_index"], table["Step Index"].to_numpy())
    np.testing.assert_array_equal(trace["step_count"], table["Step Count"].to_numpy())
    assert trace.attrs["start_utc"].startswith("2025-04-07T10:48:21.95")
    small = open_trace(folder / "neware_bsd3" / "navani_test.ndax")
    assert small.sizes["sample"] == 1464


@pytest.mark.parametrize("rate", ["0C02", "0C05"])
@pytest.mark.parametrize("direction", ["Delithiation", "Lithiation"])
def test_pseudo_ocv(folder, known, rate, direction) -> None:
    name = f"HAIDI18650_Cathode_{direction}_{rate}.mat"
    trace = open_trace(folder / "tum_halfcell_mit" / name, options=ONE_AH)
    share = trace["net_capacity_ah"].values + (0.0 if direction == "Delithiation" else 1.0)
    order = np.argsort(share, kind="stable")
    noted = known["tum_halfcell_mit (normalizedCapacity=0 is low voltage / fully lithiated for BOTH directions)"]
    for at, volt in noted[f"HAIDI18650_Cathode_{rate}"][direction].items():
        found = np.interp(float(at), share[order], trace["voltage_volt"].values[order])
        assert found == pytest.approx(volt, abs=1e-4)  # noted with four decimals
    sign = 1 if direction == "Delithiation" else -1
    assert np.all(trace["current_ampere"] == sign * float(rate.replace("C", ".")))
    # C/50 and C/20 pass the capacity in 50 h and 20 h.
    hours = {"0C02": 50.0, "0C05": 20.0}[rate]
    assert float(trace["test_time_second"][-1]) / 3600 == pytest.approx(hours, rel=1e-5)


@pytest.mark.parametrize("rate", ["0.1C", "0.5C", "1C", "2C"])
def test_enertech(folder, known, rate) -> None:
    noted = known["enertech_lco_bsd3"][rate]
    options = TraceOptions(current_ampere=-2.28 * float(rate[:-1]))
    with pytest.warns(LithiscopeWarning, match="time in s and voltage in V"):
        trace = open_trace(folder / "enertech_lco_bsd3" / f"{rate}_discharge_U.txt", options=options)
    assert trace.sizes["sample"] == noted["n"]
    passed = -trace["current_ampere"].values * trace["test_time_second"].values / 3600
    assert passed[-1] == pytest.approx(noted["Q_end_Ah_assuming_2.28A_per_C"], abs=5.1e-5)
    for share, volt in noted["V_at_fraction_of_2.28Ah"].items():
        found = np.interp(float(share) * 2.28, passed, trace["voltage_volt"].values)
        assert found == pytest.approx(volt, abs=1e-4)


REFUSED = (
    "galvani_ccby4/arbin1.res",
    "neware_bsd3/nw4-120-1-6-53.parquet",
    "bdf/bdf-ontology-snapshot.ttl",
    "tum_halfcell_mit/README_LFP.txt",
    "mpet_mit/params_LFP.cfg",
    "pybamm_reference/lico2_ocp_Ai2020.csv",
    "pybamm_reference/nca_ocp_Kim2011_data.csv",
    "pybamm_reference/positive_ocp_vs_stoichiometry.csv",
)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_trace_is_refused(folder, name) -> None:
    with pytest.raises(FileFormatError, match="no reader knows"):
        open_trace(folder / name)


SOUND = (
    "galvani_ccby4/bio_logic1.mpt",
    "galvani_ccby4/v1150_GCPL.mpt",
    "neware_bsd3/nw4-120-1-6-53.ndax",
    "neware_bsd3/navani_test.ndax",
    "bdf/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.bdf.csv",
    "tum_halfcell_mit/HAIDI18650_Cathode_Delithiation_0C02.mat",
    "tum_halfcell_mit/HAIDI18650_Cathode_Lithiation_0C05.mat",
)


@pytest.mark.parametrize("name", SOUND)
def test_the_checks_pass_real_files_and_catch_them_when_spoilt(folder, name) -> None:
    assert check_trace(open_trace(folder / name, options=ONE_AH)) == []
    spoilt = {
        "sign": {"current_sign": -1},
        "charge": {"current_factor": 1000.0},
        "charge ": {"time_factor": 3600.0},
    }
    for finding, change in spoilt.items():
        found = check_trace(open_trace(folder / name, options=ONE_AH.model_copy(update=change)))
        assert finding.strip() in {one.name for one in found if one.severity == "error"}, change


def test_impedance_spectra(folder) -> None:
    biologic = read_impedance(folder / "other_instruments_mit" / "exampleDataBioLogic.mpt")
    assert len(biologic.frequency) == 43
    assert biologic.frequency[0] == pytest.approx(1000.3201)
    assert biologic.imaginary[0] == pytest.approx(-0.38998979)
    # The last rows of this file have lost their tabs.
    with pytest.warns(LithiscopeWarning, match="4 of 10 rows"):
        gamry = read_impedance(folder / "gamry_mit" / "eispot_data.dta")
    assert gamry.real.tolist() == [224.6075, 224.712, 225.1894, 225.5566, 226.2954, 226.885]
