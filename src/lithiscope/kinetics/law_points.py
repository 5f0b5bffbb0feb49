"""The points of a fit of exchange currents, with where their noise comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.covariance import share_after
from lithiscope.kinetics.exchange import Drive, drive_of
from lithiscope.kinetics.extend import causes_of
from lithiscope.kinetics.law_fit_options import LawFitOptions
from lithiscope.kinetics.rates_options import ExchangeOptions
from lithiscope.laws import thermal_voltage
from lithiscope.stages import flag_bit

if TYPE_CHECKING:
    import xarray as xr

_EXCHANGE, _X, _RATE = "exchange_current_density", "lithium_fraction", "insertion_rate"
_ARRAYS = (
    "x",
    "y",
    "width",
    "x_noise",
    "y_noise",
    "width_noise",
    "relative_noise",
    "particle",
    "direction",
    "used",
    "eta",
)


class Points(NamedTuple):
    """Exchange currents against composition, and their noise as sums of independent sources of unit variance.

    Attributes
    ----------
    x, y : ndarray, shape (points,)
        Composition and exchange current density (A/m2).
    width : ndarray, shape (points,)
        Range of composition that each point runs through.
    x_noise, y_noise, width_noise : ndarray, shape (points, sources)
        What one standard deviation of each source does to x, y and width. Sources are the mean over each region in
        each frame, what is common to each frame, and the overpotential of each interval.
    relative_noise : ndarray, shape (points, sources)
        What a source does to y over y: the overpotential, which divides.
    particle : ndarray of str, shape (points,)
        Name of the particle; of tables of several studies, "STUDY/PARTICLE".
    direction : ndarray of int, shape (points,)
        +1 lithiation, -1 delithiation.
    used : ndarray of bool, shape (points,)
        Whether the point takes part in the fit.
    eta : ndarray, shape (points,)
        Overpotential of the cell, kT/e.
    shifts : dict of str to (ndarray, ndarray, ndarray)
        What each named cause does to x, y and width.
    drive : Drive or None
        The reaction law, where at a given voltage it depends on x beside the exchange current.
    """

    x: np.ndarray
    y: np.ndarray
    width: np.ndarray
    x_noise: np.ndarray
    y_noise: np.ndarray
    width_noise: np.ndarray
    relative_noise: np.ndarray
    particle: np.ndarray
    direction: np.ndarray
    used: np.ndarray
    eta: np.ndarray
    shifts: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    drive: Drive | None

    @property
    def y_std(self) -> np.ndarray:
        """Standard deviation of y from all sources."""
        relative = np.linalg.norm(self.relative_noise, axis=1)
        return np.asarray(np.hypot(np.linalg.norm(self.y_noise, axis=1), self.y * relative))

    def chosen(self) -> Points:
        """Return the points that take part alone."""
        keep = self.used
        return self._replace(
            **{name: getattr(self, name)[keep] for name in _ARRAYS},
            shifts={cause: (dx[keep], dy[keep], dw[keep]) for cause, (dx, dy, dw) in self.shifts.items()},
        )

    def moved(self, cause: str) -> Points:
        """Return the points as a cause moves them."""
        dx, dy, dw = self.shifts[cause]
        return self._replace(x=self.x + dx, y=self.y + dy, width=self.width + dw)


def points_of(tables: Sequence[xr.Dataset], options: LawFitOptions) -> Points:
    """Take the points of one region out of tables of rates; each table is a study with noise of its own.

    Raises
    ------
    StageError
        If a table has no exchange current with its error.
    AnalysisError
        If no point takes part.
    """
    parts = [
        _of_table(table, options, f"{number}/" if len(tables) > 1 else "") for number, table in enumerate(tables, 1)
    ]
    points = parts[0] if len(parts) == 1 else _joined(parts)
    if not points.used.any():
        raise AnalysisError(
            "no point takes part in the fit",
            field="tables",
            value=f"{len(points.x)} points, none of them usable",
            limit=f"a value within a half cycle, x between {options.closest_to_ends} and {1 - options.closest_to_ends}",
            remedy="check overpotential and direction of the intervals, and the region",
        )
    return points


def _of_table(table: xr.Dataset, options: LawFitOptions, study: str) -> Points:
    stages.check(table, "rate_table")
    for name in (_EXCHANGE, f"{_EXCHANGE}_std", f"{_X}_std"):
        if name not in table:
            raise StageError(
                "a fit needs exchange currents and compositions with their errors",
                field=name,
                remedy="use a video with standard deviations, and with_exchange_current before rate_table",
            )
    regions = table["region"].values if "region" in table else np.full(table.sizes["particle"], "all")
    rows = np.flatnonzero(regions == options.region)
    if not len(rows):
        raise AnalysisError(
            "the table has no such region", field="region", value=options.region, limit=", ".join(sorted(set(regions)))
        )
    known = np.isfinite(table[_EXCHANGE].values) & np.isfinite(table[_X].values)
    known &= np.isfinite(table[f"{_EXCHANGE}_std"].values) & np.isin(np.arange(len(regions)), rows)[:, None]
    row, interval = np.nonzero(known)
    direction = np.asarray(table["direction"].values, dtype=int)[interval]
    x, y = (np.asarray(table[name].values, dtype=float)[row, interval] for name in (_X, _EXCHANGE))
    width = np.abs(table[_RATE].values[row, interval]) * table["duration"].values[interval] / 3600
    flag = table[f"{_EXCHANGE}_flag"].values[row, interval]
    inside = (x - width / 2 > options.closest_to_ends) & (x + width / 2 < 1 - options.closest_to_ends)
    used = inside & (direction != 0) & ((flag & flag_bit("wrong_sign")) == 0)
    used &= table[f"{_EXCHANGE}_std"].values[row, interval] > 0
    x_noise, y_noise, width_noise, relative_noise = _noise(table, row, interval, direction)
    corrected = float(options.interval_correction)
    drive, eta = _drive(table)
    names = table["of"].values if "of" in table else table["particle"].values
    return Points(
        x,
        y,
        width * corrected,
        x_noise,
        y_noise,
        width_noise * corrected,
        relative_noise,
        np.array([f"{study}{names[k]}" for k in row], dtype=str),
        direction,
        used,
        eta[interval],
        _shifts(table, row, interval),
        drive,
    )


def _drive(table: xr.Dataset) -> tuple[Drive | None, np.ndarray]:
    """Return the reaction law, where it sees the composition, and the overpotential of the cell in kT/e."""
    if "exchange_options" not in table.attrs or "overpotential_volt" not in table:
        return None, np.zeros(table.sizes["interval"])
    options = ExchangeOptions(**json.loads(table.attrs["exchange_options"]))
    drive = drive_of(options)
    eta = np.asarray(table["overpotential_volt"].values, dtype=float) / thermal_voltage(options.temperature)
    return (drive if drive.sees_composition else None), eta


def _shifts(
    table: xr.Dataset, row: np.ndarray, interval: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    found = {}
    hours = np.asarray(table["duration"].values, dtype=float)[interval] / 3600
    way = np.sign(np.asarray(table[_RATE].values, dtype=float)[row, interval])
    for number, cause in enumerate(causes_of(table)):
        moved = []
        for name in (_X, _EXCHANGE, _RATE):
            shift = f"{name}_shift"
            moved.append(np.nan_to_num(table[shift].values[number][row, interval]) if shift in table else 0.0 * row)
        if any(np.any(part) for part in moved):
            found[cause] = (moved[0], moved[1], way * moved[2] * hours)
    return found


def _noise(table: xr.Dataset, row: np.ndarray, interval: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return what every source of noise does to x, y, width, and y over y.

    A rate is the later frame less the earlier, a middle composition half of both; the exchange current and the width
    follow the rate with the sign of the direction. So one error of a frame moves two intervals, all three in each.
    """
    sign = np.where(direction < 0, -1.0, 1.0)
    share = share_after(table)[row, interval]
    before, after = (np.asarray(table[name].values, dtype=int)[interval] for name in ("before", "after"))
    own = {name: table[f"{name}_std"].values[row, interval].astype(float) for name in (_X, _EXCHANGE)}
    common_x, common_y, of_eta = _common(table, row, interval, own)
    x, y, width, relative = (_Sources(len(row)) for _ in range(4))
    # Frames common to all particles are kept apart from those of a row by a row number that no row has.
    everyone, every_interval = np.full(len(row), -1), np.full(len(row), -2)
    for who, part, of_x, of_y in (
        (row, share, own[_X], own[_EXCHANGE]),
        (everyone, 0.5 + 0 * share, common_x, common_y),
    ):
        for frame, size, side in ((after, np.sqrt(part), sign), (before, np.sqrt(1 - part), -sign)):
            x.add((who, frame), of_x * size)
            y.add((who, frame), of_y * size * side)
            width.add((who, frame), 2 * of_x * size * side)
    value = np.abs(table[_EXCHANGE].values[row, interval])
    relative.add((every_interval, interval), np.divide(of_eta, value, out=np.zeros(len(row)), where=value > 0))
    keys = sorted({*x.terms, *y.terms, *width.terms, *relative.terms})
    return x.matrix(keys), y.matrix(keys), width.matrix(keys), relative.matrix(keys)


class _Sources:
    """Terms of a noise matrix, by source."""

    def __init__(self, points: int) -> None:
        self.points = points
        self.terms: dict[tuple[int, int], list[tuple[int, float]]] = {}

    def add(self, keys: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> None:
        for point, (first, second, value) in enumerate(zip(*keys, values, strict=True)):
            if value != 0 and np.isfinite(value):
                self.terms.setdefault((int(first), int(second)), []).append((point, float(value)))

    def matrix(self, keys: list[tuple[int, int]]) -> np.ndarray:
        result = np.zeros((self.points, len(keys)))
        for column, key in enumerate(keys):
            for point, value in self.terms.get(key, ()):
                result[point, column] += value
        return result


def _common(
    table: xr.Dataset, row: np.ndarray, interval: np.ndarray, own: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the common errors of x and y that come from frames, and that of y from the overpotential."""
    zero = np.zeros(len(row))
    x = zero
    if f"{_X}_frame_std" in table:
        x = np.asarray(table[f"{_X}_frame_std"].values, dtype=float)[interval]
    if f"{_EXCHANGE}_frame_std" not in table:
        return x, zero, zero
    total = np.asarray(table[f"{_EXCHANGE}_frame_std"].values, dtype=float)[row, interval]
    frames = zero
    if f"{_RATE}_frame_std" in table:
        # The same factor leads from a rate to its exchange current for both kinds of noise.
        factor = own[_EXCHANGE] / table[f"{_RATE}_std"].values[row, interval]
        frames = np.minimum(table[f"{_RATE}_frame_std"].values[interval] * factor, total)
    return x, frames, np.sqrt(np.maximum(total**2 - frames**2, 0.0))


def _joined(parts: Sequence[Points]) -> Points:
    """Put the points of studies together; their sources of noise are different ones.

    Raises
    ------
    StageError
        If the tables were made with different reaction laws.
    """
    from scipy.linalg import block_diag

    causes = list(dict.fromkeys(cause for part in parts for cause in part.shifts))
    shifts = {}
    for cause in causes:
        moved = [part.shifts.get(cause, (np.zeros(len(part.x)),) * 3) for part in parts]
        dx, dy, dw = (np.concatenate(side) for side in zip(*moved, strict=True))
        shifts[cause] = (dx, dy, dw)
    together = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS if not name.endswith("_noise")
    }
    noise = {name: block_diag(*(getattr(part, name) for part in parts)) for name in _ARRAYS if name.endswith("_noise")}
    if len({str(part.drive) for part in parts}) > 1:
        raise StageError(
            "the tables were made with different reaction laws",
            field="attrs['exchange_options']",
            remedy="use one law and one equilibrium for all of them",
        )
    return Points(**together, **noise, shifts=shifts, drive=parts[0].drive)
