"""Small potentiostat files, written by the tests in the manner of the instruments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

LABELS = ("mode", "Ns", "time/s", "dq/mA.h", "(Q-Qo)/mA.h", "control/V/mA", "Ewe/V", "<I>/mA")


def cycling(samples: int = 60, period: int = 20, current: float = 1e-3) -> dict[str, np.ndarray]:
    """A cell that is charged and discharged in turn at constant current, with an ohmic drop of 50 ohm.

    Returns time in s (10 s apart), current in A (of the interval before), net charge in Ah and voltage in V.
    """
    time = 10.0 * np.arange(samples)
    sign = np.where((np.arange(samples) // period) % 2 == 0, 1.0, -1.0)
    amount = current * sign
    charge = np.concatenate([[0.0], np.cumsum(amount[1:] * np.diff(time))]) / 3600.0
    scale = np.ptp(charge) or 1.0
    voltage = 3.4 + 0.2 * charge / scale + 50.0 * amount
    return {"time": time, "current": amount, "charge": charge, "voltage": voltage}


def mpt_rows(cell: dict[str, np.ndarray]) -> list[list[str]]:
    """Rows under `LABELS`, as EC-Lab prints them, with decimal points."""
    increments = np.diff(cell["charge"], prepend=0.0) * 1e3
    step = np.concatenate([[0], np.cumsum(np.diff(cell["current"]) != 0)])
    return [
        ["1", str(n), f"{t:.15E}", f"{dq:.15E}", f"{q * 1e3:.15E}", "1.0E+000", f"{v:.7E}", f"{i * 1e3:.15E}"]
        for n, t, dq, q, v, i in zip(
            step, cell["time"], increments, cell["charge"], cell["voltage"], cell["current"], strict=True
        )
    ]


def write_mpt(
    path: Path,
    rows: Sequence[Sequence[str]] | None = None,
    *,
    labels: Sequence[str] = LABELS,
    magic: str | None = "EC-Lab ASCII FILE",
    technique: str = "Galvanostatic Cycling with Potential Limitation",
    header: Sequence[str] = ("Acquisition started on : 01/10/2024 11:02:29.886", "unit Is : \u00b5A"),
    comma: bool = False,
    trailing: str = "\t",
    end: str = "\r\n",
    count: int | None = None,
) -> Path:
    """Write an .mpt file; `magic` None leaves the header out, `count` overrides the stated length of the header."""
    rows = mpt_rows(cycling()) if rows is None else rows
    table = ["\t".join(row) + trailing for row in rows]
    if comma:
        table = [line.replace(".", ",") for line in table]
    head = [] if magic is None else [magic, "", "", technique, "", *header]
    if magic is not None:
        head[1] = f"Nb header lines : {count if count is not None else len(head) + 1}   "
    lines = [*head, "\t".join(labels) + "\t", *table]
    path.write_bytes((end.join(lines) + end).encode("latin-1"))
    return path


def write_dta(
    path: Path,
    *,
    tables: Sequence[str] = ("CURVE",),
    german: bool = False,
    header: Sequence[str] = (),
    tail: str = "",
    rows: int = 12,
    date: str = "3/25/2019",
) -> Path:
    """Write a Gamry file with rows a second apart, rising from 3 V by 1 mV, 2 mA; tables follow in time."""
    lines = ["EXPLAIN", "TAG\tPWR800", f"DATE\tLABEL\t{date}\tDate", "TIME\tLABEL\t16:35:22\tTime", *header]
    point = 0
    for name in tables:
        names = ["Pt", "T", "Vf", "Im", "Over", "Temp"]
        lines += [f"{name}\tTABLE\t{rows}", "\t" + "\t".join(names), "\t#\ts\tV vs. Ref.\tA\tbits\tdeg C"]
        for _ in range(rows):
            cells = [str(point), f"{point:.4f}", f"{3 + 1e-3 * point:.5E}", f"{2e-3:.5E}", "...........", "-327.67"]
            line = "\t" + "\t".join(cells)
            lines.append(line.replace(".", ",").replace(",,,,,,,,,,,", "...........") if german else line)
            point += 1
    path.write_bytes(("\n".join(lines) + "\n" + tail).encode("latin-1"))
    return path
