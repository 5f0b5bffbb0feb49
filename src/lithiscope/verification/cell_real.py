"""Files of real potentiostats against figures that others have read from the same files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lithiscope import cell
from lithiscope.verification.rows import Row, Unchecked, compare

_LFP = "half-cells of LiFePO4 against Li, DegradationModeAnalysis of TUM (MIT)"
_LCO = "LiCoO2/graphite pouch cell, Ai 2020 (PyBaMM, BSD-3)"
_PAIRS = "galvani 0.4.1 (CC-BY-4.0): the same acquisition as EC-Lab text and as binary file"
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
# V at these shares of 2.28 Ah, by C-rate.
_DISCHARGES = {
    0.1: (4.0668, 3.9451, 3.7936, 3.7254, 3.6546),
    0.5: (4.0092, 3.8755, 3.7292, 3.6517, 3.5617),
    1.0: (3.9442, 3.8070, 3.6534, 3.5626, 3.4585),
    2.0: (3.8263, 3.6843, 3.5235, 3.4077, 3.2833),
}
_LAST_DIGIT = 3.9e-4  # V


def real_rows() -> Iterator[Row | Unchecked]:
    """Yield the rows on real files; where files are not on this machine, a line says so."""
    folder = Path(os.environ.get("LITHISCOPE_DATA", Path("..", "shared", "data"))) / "cell"
    for name, what, found in (
        ("tum_halfcell_mit", "plateaus of LiFePO4 half-cells", _plateau_rows),
        ("enertech_lco_bsd3", "voltages of a LiCoO2 cell", _discharge_rows),
        ("galvani_ccby4", "BioLogic files as text and binary, and a sequence of techniques", _biologic_rows),
    ):
        if (folder / name).is_dir():
            yield from found(folder / name)
        else:
            yield Unchecked(
                what, f"the files are not on this machine; LITHISCOPE_DATA names the folder with cell/{name}"
            )


def _plateau_rows(folder: Path) -> Iterator[Row]:
    for rate, mean, gap in (("0C02", 3.4247, 41.0), ("0C05", 3.4238, 51.9)):
        yield from _plateau(folder, rate, mean, gap)


def _discharge_rows(folder: Path) -> Iterator[Row]:
    for rate, volts in _DISCHARGES.items():
        yield _discharge(folder, rate, volts[_SHARES.index(0.5)])
    worst = max(
        abs(_discharge_volt(folder, rate, share) - volt)
        for rate, volts in _DISCHARGES.items()
        for share, volt in zip(_SHARES, volts, strict=True)
    )
    yield compare(
        "largest deviation of all 20 voltages: four rates, at 0.1, 0.25, 0.5, 0.75 and 0.9 of 2.28 Ah",
        _LCO,
        0.0,
        1e3 * worst,
        within=0.1,
        because="stated with four decimals; between two samples the voltage changes by less",
        unit="mV",
    )


def _biologic_rows(folder: Path) -> Iterator[Row | Unchecked]:
    yield from _pair_rows(folder)
    yield from _sequence_rows(folder)


def _plateau(folder: Path, rate: str, mean: float, gap: float) -> Iterator[Row]:
    curves = []
    for direction in ("Delithiation", "Lithiation"):
        path = folder / f"HAIDI18650_Cathode_{direction}_{rate}.mat"
        trace = cell.open_trace(path, options=cell.TraceOptions(capacity_ah=1.0))
        share = trace["net_capacity_ah"].values
        curves.append((share - share.min(), trace["voltage_volt"].values))
    found = cell.equilibrium_from_curves(curves[0], curves[1])
    because = "voltages come in steps of 0.38 mV, and the stated values are single samples"
    name = f"LiFePO4 at C/{round(100 / float(rate[2:]))}"
    volt = float(found["plateau_volt"])
    yield compare(f"mean plateau of {name}", _LFP, mean, volt, within=_LAST_DIGIT, because=because, unit="V")
    millivolt = 1e3 * float(found["plateau_gap_volt"])
    yield compare(
        f"gap of the plateaus of {name}", _LFP, gap, millivolt, within=1e3 * _LAST_DIGIT, because=because, unit="mV"
    )


def _discharge_volt(folder: Path, rate: float, share: float) -> float:
    current = -2.28 * rate
    trace = cell.open_trace(
        folder / f"{rate:g}C_discharge_U.txt",
        columns={"test_time_second": (0, "s"), "voltage_volt": (1, "V")},
        options=cell.TraceOptions(current_ampere=current),
    )
    passed = -current / 3600 * trace["test_time_second"].values
    return float(np.interp(2.28 * share, passed, trace["voltage_volt"].values))


def _discharge(folder: Path, rate: float, volt: float) -> Row:
    return compare(
        f"voltage of a LiCoO2 cell at half of 2.28 Ah, discharged at {rate:g}C",
        _LCO,
        volt,
        _discharge_volt(folder, rate, 0.5),
        within=1e-4,
        because="stated with four decimals; between two samples the voltage changes by less",
        unit="V",
    )


def _pair_rows(folder: Path) -> Iterator[Row | Unchecked]:
    if find_spec("galvani") is None:
        yield Unchecked(".mpt and .mpr files hold the same rows", "the extra lithiscope[biologic] is not installed")
        return
    missing, worst = 0, 0.0
    for name in ("bio_logic1", "v1150_OCV", "v1150_CP", "v1150_GCPL"):
        text, binary = (cell.open_trace(folder / f"{name}.{end}") for end in ("mpt", "mpr"))
        missing += abs(text.sizes["sample"] - binary.sizes["sample"])
        for variable in ("voltage_volt", "current_ampere"):
            one, two = (trace[variable].values.astype(np.float32) for trace in (text, binary))
            worst = max(worst, float(np.max(np.abs(one - two) / np.maximum(np.abs(one), np.float32(1e-12)))))
    yield compare("rows of four .mpt files that their .mpr files lack", _PAIRS, 0, missing, within=0, because="a count")
    yield compare(
        "largest relative difference of voltage and current between them",
        _PAIRS,
        0.0,
        worst,
        within=1.2e-7,
        because="one unit in the last place of the float32 that the binary file holds",
    )


def _sequence_rows(folder: Path) -> Iterator[Row]:
    names = ("OCV", "CP", "GCPL")
    parts = [cell.open_trace(folder / f"v1150_{name}.mpt", timezone="Europe/Paris") for name in names]
    source = "three techniques of one acquisition that take turns; EC-Lab 11.50"
    joined = cell.join_traces(parts)
    yield compare(
        "files of a sequence that state the start of the acquisition as 11:02:29.886",
        source,
        3,
        sum(part.attrs["start_local"] == "2024-01-10T11:02:29.886000" for part in parts),
        within=0,
        because="a count",
    )
    yield compare(
        "samples of the joined trace that follow one another in time",
        source,
        sum(part.sizes["sample"] for part in parts),
        1 + int(np.count_nonzero(np.diff(joined["test_time_second"].values) > 0)),
        within=0,
        because="a count",
    )
    edges = cell.current_edges(joined)
    chosen = np.array([0, len(edges.second) // 2, len(edges.second) - 1])
    clock = cell.fit_clock(
        joined,
        image_second=edges.second[chosen] - 37.0 + np.random.default_rng(0).normal(0, 0.05, 3),
        image_second_std=0.05,
        image_start_utc="2024-01-10T10:03:07+00:00",
    )
    yield compare(
        "offset of images that started 37 s into the sequence, from three edges of its current known to 50 ms",
        source,
        37.0,
        float(clock["offset_second"]),
        within=0.15,
        because="three times the stated error of one edge",
        unit="s",
    )
