"""Hundreds of damaged files: each gives a trace that keeps its schema, or one error of lithiscope; nothing else."""

from __future__ import annotations

import io
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from cell.trace_files import write_dta, write_mpt
from lithiscope.cell import TraceOptions, check_trace, open_trace
from lithiscope.errors import LithiscopeError, LithiscopeWarning
from lithiscope.stages import check

SPLICES = (
    *(
        b"\t",
        b"\t\t",
        b",",
        b";",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b'"',
        b"#",
        b"/",
        b".",
        b"-",
        b"e",
        b"E+",
        b" ",
        b"\x85",
    ),
    *(
        b"nan",
        b"inf",
        b"1e999",
        b"-1e308",
        b"99999999999999999999",
        b"01/10/2024 11:02:29",
        b"\xff\xfe",
        b"\x00",
        b"\xb5",
    ),
    *(
        b"Nb header lines : -5\n",
        b"Nb header lines : 999999999999\n",
        b"CURVE\tTABLE\t9\n",
        b"time/s\t",
        b"TABLE",
        b"TAG",
    ),
)


def damaged(data: bytes, random: random.Random) -> bytes:
    """Cut, repeat, swap, drop and splice, one to four times."""
    for _ in range(random.randint(1, 4)):
        size = max(1, len(data))
        start, end = sorted((random.randrange(size), random.randrange(size)))
        kind = random.randrange(7)
        if kind == 0:
            data = data[:end]
        elif kind == 1:
            data = data[:start] + data[min(end, start + 60) :]
        elif kind == 2:
            data = data[:end] + data[start:end] + data[end:]
        elif kind == 3:
            data = data[:start] + bytes([random.randrange(256)]) + data[start + 1 :]
        elif kind == 4:
            lines = data.splitlines(keepends=True)
            random.shuffle(lines)
            data = b"".join(lines)
        else:
            data = data[:start] + random.choice(SPLICES) + data[start + random.randrange(3) :]
    return data


def mpt(folder: Path) -> bytes:
    return write_mpt(
        folder / "x", header=("Acquisition started on : 01/10/2024 11:02:29.886", "Loop 0 from point number 0 to 9")
    ).read_bytes()


def bare_mpt(folder: Path) -> bytes:
    return write_mpt(folder / "x", magic=None, comma=True).read_bytes()


def dta(folder: Path) -> bytes:
    return write_dta(folder / "x", tables=("OCVCURVE", "CURVE1", "CURVE2"), german=True).read_bytes()


def csv(folder: Path) -> bytes:
    rows = "".join(f"{n},{3 + n / 100},0.001,{n}\n" for n in range(30))
    return ("test_time_second,voltage_volt,current_ampere,cycle_count\n" + rows).encode()


def clocks(folder: Path) -> bytes:
    rows = "".join(f"{n % 28 + 1}.12.2024 11:{n:02d}:00;3,{n}\n" for n in range(30))
    return ("Time/s;Voltage/V\n" + rows).encode()


def mat(folder: Path) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"batteryData": {"normalizedCapacity": np.linspace(0, 1, 9), "voltage": np.ones(9)}})
    return stream.getvalue()


def mpr(folder: Path) -> bytes:
    return b"BIO-LOGIC MODULAR FILE\x1a" + b" " * 25 + b"\x00" * 4 + b"MODULE" + b"VMP Set   " + bytes(range(200))


def ndax(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("data.ndc", bytes(range(256)) * 20)
    return stream.getvalue()


KINDS: dict[str, tuple[Callable[[Path], bytes], str, int]] = {
    "mpt": (mpt, ".mpt", 150),
    "bare mpt": (bare_mpt, ".mpt", 100),
    "dta": (dta, ".DTA", 150),
    "csv": (csv, ".csv", 150),
    "clocks": (clocks, ".txt", 100),
    "mat": (mat, "_Cathode_0C05.mat", 60),
    "mpr": (mpr, ".mpr", 40),
    "ndax": (ndax, ".ndax", 40),
}


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_give_a_trace_or_one_error(tmp_path, kind) -> None:
    make, ending, times = KINDS[kind]
    whole = make(tmp_path)
    path = tmp_path / f"a{ending}"
    chance = random.Random(20260101)
    for turn in range(times):
        path.write_bytes(damaged(whole, chance))
        zone = "Europe/Zurich" if turn % 2 else None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Warnings of lithiscope are welcome; others (of pandas, numpy, packages) are not.
            warnings.simplefilter("ignore", LithiscopeWarning)
            try:
                trace = open_trace(path, timezone=zone, options=TraceOptions(capacity_ah=1.0))
                check_trace(trace, capacity_ah=1.0)
            except LithiscopeError:
                continue
        check(trace, "cell_trace")
        assert np.isfinite(trace["test_time_second"]).any()
        for name in ("test_time_second", "voltage_volt", "current_ampere"):
            if name in trace and not np.isnan(trace[name]).all():
                assert not np.any(np.isnan(trace[name]) & (trace["sample_flag"] == 0)), (turn, name)
                assert not np.isinf(trace[name]).any(), (turn, name)
