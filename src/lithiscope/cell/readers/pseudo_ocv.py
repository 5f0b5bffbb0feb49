"""Pseudo open-circuit curves of half cells in MATLAB files: voltage against the share of the capacity."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from lithiscope.cell.readers.matlab import structures
from lithiscope.cell.readers.raw import RawTrace, Request
from lithiscope.errors import FileFormatError, OptionError

FORMAT = "MATLAB pseudo-OCV"

_FIELDS = ("normalizedCapacity", "voltage")
# 0C05 in a file name means a twentieth of the capacity in an hour.
_RATE = re.compile(r"(?<![\d.])(\d+)C(\d+)(?!\d)")


def can_open(path: Path, head: bytes) -> bool:  # noqa: ARG001 - a reader is asked with both
    """Whether this is a MATLAB 5 file."""
    return head.startswith(b"MATLAB 5.0 MAT-file")


def read(path: Path, request: Request) -> RawTrace:
    """Read the file; time and current come from the capacity and the rate, which the user states.

    The share of the capacity is 0 where the electrode is fully lithiated, so it rises on delithiation.

    Raises
    ------
    FileFormatError
        If there is no ``batteryData`` with ``normalizedCapacity`` and ``voltage``.
    OptionError
        If the capacity, or the rate, is not known.
    """
    share, voltage = _curve(path)
    capacity, current = request.options.capacity_ah, request.options.current_ampere
    if capacity is None:
        raise OptionError(
            "the file gives shares of the capacity only",
            file=path,
            field="capacity_ah",
            remedy="state the capacity in Ah with the option capacity_ah; 1 gives shares",
        )
    direction = float(np.sign(share[-1] - share[0]))
    if current is None:
        current = direction * _rate(path) * capacity
    if current == 0 or np.sign(current) != direction:
        raise OptionError(
            "the stated current does not go the way of the curve",
            file=path,
            field="current_ampere",
            value=current,
            limit=f"of sign {direction:+.0f}: the share of the capacity goes from {share[0]:.3g} to {share[-1]:.3g}",
        )
    # The share is measured and may step back by its last digit; time does not.
    passed = np.maximum.accumulate((share - share[0]) * direction)
    net = (share - share[0]) * capacity
    return RawTrace(
        {
            "test_time_second": passed * capacity / abs(current) * 3600.0,
            "voltage_volt": voltage,
            "current_ampere": np.full(len(share), current),
            "net_capacity_ah": net,
        },
        technique="pseudo-OCV",
        current_source="stated",
    )


def _curve(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = structures(path.read_bytes())
    data = found.get("batteryData", {})
    if not set(_FIELDS) <= set(data):
        raise FileFormatError(
            "the MATLAB file holds no curve that is known",
            file=path,
            field="batteryData",
            value=", ".join(found),
            limit="a structure with normalizedCapacity and voltage",
        )
    share, voltage = (data[name] for name in _FIELDS)
    if share.shape != voltage.shape or len(share) < 2 or not np.all(np.isfinite(share)):
        raise FileFormatError(
            "capacity and voltage do not belong together",
            file=path,
            field="batteryData",
            value=f"{len(share)} and {len(voltage)} numbers",
            limit="two arrays of one length, at least two, the capacity without NaN",
        )
    return share, voltage


def _rate(path: Path) -> float:
    match = _RATE.search(path.stem)
    rate = float(f"{match[1]}.{match[2]}") if match else 0.0
    if rate == 0:
        raise OptionError(
            "the current is neither in the file nor in its name",
            file=path,
            field="current_ampere",
            limit="a name with the C-rate, such as 0C05",
            remedy="state it with the option current_ampere",
        )
    return rate
