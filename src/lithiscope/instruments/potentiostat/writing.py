"""Writing a trace as a potentiostat's program would: EC-Lab text, and a table of the Battery Data Format."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_MPT_COLUMNS = ("mode", "ox/red", "Ns", "time/s", "Ewe/V", "I/mA", "dq/mA.h", "(Q-Qo)/mA.h")


def write_mpt(trace: xr.Dataset, path: str | Path, *, decimal: str = ".") -> None:
    """Write a trace like EC-Lab's text export of a galvanostatic technique: Latin-1, tabs, CRLF, local time.

    Parameters
    ----------
    trace : cell_trace
        What to write.
    path : str or Path
        File name, usually ``.mpt``.
    decimal : {".", ","}
        Decimal sign.
    """
    start = datetime.fromisoformat(trace.attrs["start_utc"])
    head = [
        "Galvanostatic Cycling with Potential Limitation",
        "",
        "Run on channel : 1 (SN 00001)",
        "Electrode connection : standard",
        f"Acquisition started on : {start:%m/%d/%Y %H:%M:%S}.{start.microsecond // 1000:03d}",
        "Device : SP-240 (SN 0001)",
        "Comments : virtual potentiostat; I Range 10 nA = 0.01 \u00b5A",
        "",
    ]
    lines = ["EC-Lab ASCII FILE", f"Nb header lines : {len(head) + 3}", *head, "\t".join(_MPT_COLUMNS) + "\t"]
    current = trace["current_ampere"].values * 1e3
    charge = trace["net_capacity_ah"].values * 1e3
    numbers = np.column_stack(
        [
            trace["test_time_second"].values,
            trace["voltage_volt"].values,
            current,
            np.diff(charge, prepend=0.0),
            charge,
        ]
    )
    step = trace["step_index"].values
    for index, row in enumerate(numbers):
        mode = 3 if current[index] == 0 else 1
        written = "\t".join(f"{value:.15E}".replace(".", decimal) for value in row)
        lines.append(f"{mode}\t{int(current[index] > 0)}\t{step[index]}\t{written}\t")
    Path(path).write_bytes("\r\n".join([*lines, ""]).encode("latin-1"))


def write_bdf(trace: xr.Dataset, path: str | Path) -> None:
    """Write a trace as a table of the Battery Data Format 1.3.0 with its column labels, comma separated."""
    columns = {
        "Test Time / s": trace["test_time_second"],
        "Unix Time / s": trace["unix_time_second"],
        "Voltage / V": trace["voltage_volt"],
        "Current / A": trace["current_ampere"],
        "Net Capacity / Ah": trace["net_capacity_ah"],
        "Charging Capacity / Ah": trace["charging_capacity_ah"],
        "Discharging Capacity / Ah": trace["discharging_capacity_ah"],
        "Step Index / 1": trace["step_index"],
    }
    table = np.column_stack([values.values for values in columns.values()])
    lines = [",".join(columns), *(",".join(f"{value:.15g}" for value in row) for row in table)]
    Path(path).write_text("\n".join([*lines, ""]), encoding="utf-8")
