"""What limits each particle in each half cycle, and what can be said of all of them together."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.regime import diagnose_regime
from lithiscope.kinetics.regime_exchange import exchange_from_elsewhere
from lithiscope.kinetics.regime_options import RegimeOptions
from lithiscope.kinetics.regime_pieces import BULK, OPEN, SURFACE
from lithiscope.laws import ChemicalPotential

if TYPE_CHECKING:
    import xarray as xr

_FIGURES = ("value", "value_std", "low", "high", "boundary", "probability")
_TEXTS = ("verdict", "meaning")
_TIMES = tuple(f"tau_{name}{end}" for name in ("bulk", "reaction", "process") for end in ("", "_low", "_high"))
_OF_CASE = ("exchange_current_density", "exchange_current_density_std", *_TIMES)


class _Known(NamedTuple):
    """What is known of all cases; see `diagnose_particles`."""

    diffusivity: tuple[float, float] | None
    exchange_current: tuple[float, float] | None
    channels: xr.Dataset | None
    intervals: xr.Dataset | None
    potential: ChemicalPotential | None
    options: RegimeOptions


class Case(NamedTuple):
    """One particle in one half cycle: its table, or why there is none."""

    table: xr.Dataset | None
    source: str
    reason: str


def diagnose_particles(
    lines: xr.Dataset,
    *,
    diffusivity: tuple[float, float] | None = None,
    exchange_current: tuple[float, float] | None = None,
    channels: xr.Dataset | None = None,
    intervals: xr.Dataset | None = None,
    potential: ChemicalPotential | None = None,
    options: RegimeOptions = RegimeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Return the evidence of every particle in every half cycle, a verdict on each, and one on all.

    Parameters
    ----------
    lines : line_cuts
        From `channel_cuts`: the channels of all particles with the name of their particle.
    diffusivity : (float, float), optional
        Smallest and largest chemical diffusivity thought possible, m2/s.
    exchange_current : (float, float), optional
        j0 (mean over x) and its standard deviation, A/m2, for all; from elsewhere.
    channels : channel_table, optional
        Where none is stated, j0 comes from here, from other half cycles of the same particle only.
    intervals : cell_intervals, optional
        Gives the overpotential between the frames of `lines`.
    potential : ChemicalPotential, optional
        See `diagnose_regime`.
    options : RegimeOptions
        See there.

    Returns
    -------
    evidence_table
        With dimensions (particle, half_cycle, evidence); `overall_verdict` of each particle in each half cycle, and
        ``attrs["verdict"]`` on all: surface or bulk if more than half of the cases say so and none says the other, else
        not decidable. A piece that a case lacks is NaN and `meaning` says why; a case that could not be weighed has no
        pieces and `overall_confidence` says why.

    Raises
    ------
    AnalysisError
        If there is no half cycle, none could be weighed, or the intervals are those of another video.
    StageError
        If `lines` is another stage.
    """
    stages.check(lines, "line_cuts")
    for name in ("particle", "half_cycle", "direction"):
        if name not in lines.coords:
            raise AnalysisError(
                "the lines do not say to what they belong", field=name, remedy="make them with channel_cuts"
            )
    particles = [str(name) for name in dict.fromkeys(lines["particle"].values)]
    number, direction = np.asarray(lines["half_cycle"].values), np.asarray(lines["direction"].values)
    numbers = [int(one) for one in np.unique(number[(number >= 0) & (direction != 0)])]
    if not numbers:
        raise AnalysisError("no frame belongs to a half cycle", field="half_cycle", remedy="state the half cycles")
    known = _Known(diffusivity, exchange_current, channels, intervals, potential, options)
    cases = {(name, half): _case(lines, name, half, known) for name in particles for half in numbers}
    if all(case.table is None for case in cases.values()):
        raise AnalysisError(
            "no particle could be diagnosed in any half cycle",
            field="particle",
            value="; ".join(f"{name}, half cycle {half}: {case.reason}" for (name, half), case in cases.items()),
        )
    signs = [int(direction[(number == half) & (direction != 0)][0]) for half in numbers]
    return assembled(particles, numbers, signs, cases)


def _case(lines: xr.Dataset, particle: str, half_cycle: int, known: _Known) -> Case:
    source, j0 = "stated", known.exchange_current
    if j0 is None:
        found = None
        if known.channels is not None:
            found = exchange_from_elsewhere(known.channels, particle, half_cycle, law=known.options.law)
        source = "none" if found is None else f"half cycle {found.half_cycle}"
        j0 = None if found is None else (found.value, found.std)
    eta = None if known.intervals is None else _overpotential(known.intervals, lines, half_cycle)
    try:
        table = diagnose_regime(
            lines.isel(sample=np.flatnonzero(lines["particle"].values == particle)),
            half_cycle=half_cycle,
            diffusivity=known.diffusivity,
            exchange_current=j0,
            overpotential_volt=eta,
            potential=known.potential,
            options=known.options,
        )
    except AnalysisError as error:
        return Case(None, "none", " ".join(str(error).split()))
    return Case(table, source, "")


def _overpotential(intervals: xr.Dataset, lines: xr.Dataset, half_cycle: int) -> np.ndarray | None:
    """Return the overpotential of every interval between frames of a half cycle; None where there is none.

    Raises
    ------
    AnalysisError
        If the intervals are those of other frames.
    """
    stages.check(intervals, "cell_intervals")
    if "overpotential_volt" not in intervals:
        return None
    frames = np.flatnonzero(lines["half_cycle"].values == half_cycle)
    middle = (lines["time"].values[frames[1:]] + lines["time"].values[frames[:-1]]) / 2
    found = np.full(len(frames) - 1, np.nan)
    for k, (before, after) in enumerate(pairwise(frames.tolist())):
        same = np.flatnonzero((intervals["before"].values == before) & (intervals["after"].values == after))
        if not len(same):
            continue
        if abs(float(intervals["time"].values[same[0]]) - middle[k]) > float(intervals["duration"].values[same[0]]) / 2:
            raise AnalysisError(
                "the intervals of the cell are not those of the lines",
                field="time",
                value=float(intervals["time"].values[same[0]]),
                limit=f"{middle[k]:.6g} s",
                remedy="make both from the same video",
            )
        found[k] = intervals["overpotential_volt"].values[same[0]]
    return found if np.isfinite(found).any() else None


def verdict_on_all(said: list[str], reasons: int) -> tuple[str, str]:
    """Return the verdict on several cases and the words for it.

    Parameters
    ----------
    said : list of str
        Verdicts of the cases that could be weighed.
    reasons : int
        Number of cases that could not.

    Examples
    --------
    >>> verdict_on_all(["surface-reaction-limited"] * 2 + ["not decidable"], 0)[0]
    'surface-reaction-limited'
    """
    number = len(said) + reasons
    count = {side: said.count(side) for side in (SURFACE, BULK)}
    cases = "particle and half cycle" if number == 1 else "cases (a particle in a half cycle)"
    words = "; ".join(
        f"{count[side]} of {number} {cases} {'is' if count[side] == 1 else 'are'} {side}" for side in count
    )
    left = number - sum(count.values())
    words += f"; {left} {'is' if left == 1 else 'are'} {OPEN}" + (
        f", {reasons} of these without data" if reasons else ""
    )
    if count[SURFACE] and count[BULK]:
        return OPEN, f"the cases differ, so there is no one verdict: {words}"
    for side in (SURFACE, BULK):
        if 2 * count[side] > number:
            return side, words
    return OPEN, f"no limit is shown in more than half of the cases: {words}"


def assembled(
    particles: list[str], numbers: list[int], signs: list[int], cases: dict[tuple[str, int], Case]
) -> xr.Dataset:
    """Return the evidence_table of cases by particle and half cycle, and the verdict on all of them."""
    tables = [case.table for case in cases.values() if case.table is not None]
    pieces = list(dict.fromkeys(str(name) for table in tables for name in table["evidence"].values))
    shape = (len(particles), len(numbers))
    columns: dict[str, Any] = {name: np.full((*shape, len(pieces)), np.nan) for name in _FIGURES}
    columns |= {"verdict": _words((*shape, len(pieces)), OPEN), "meaning": _words((*shape, len(pieces)))}
    columns |= {name: np.full(shape, np.nan) for name in _OF_CASE}
    columns |= {"overall_verdict": _words(shape, OPEN)}
    columns |= {name: _words(shape) for name in ("overall_confidence", "exchange_current_source")}
    for row, name in enumerate(particles):
        for column, half in enumerate(numbers):
            _enter(columns, (row, column), cases[name, half], pieces)
    verdict, confidence = verdict_on_all([str(one.attrs["verdict"]) for one in tables], len(cases) - len(tables))
    dims = "particle half_cycle"
    return stages.new(
        "evidence_table",
        {
            name: (
                f"{dims} evidence" if values.ndim == 3 else dims,
                values.astype(str) if values.dtype == object else values,
            )
            for name, values in columns.items()
        },
        coords={
            "evidence": ("evidence", np.array(pieces, dtype=str)),
            "particle": ("particle", np.array(particles, dtype=str)),
            "half_cycle": ("half_cycle", np.array(numbers)),
            "direction": ("half_cycle", np.array(signs)),
        },
        attrs={"verdict": verdict, "confidence": confidence, "band": tables[0].attrs["band"]},
    )


def _words(shape: tuple[int, ...], text: str = "") -> Any:
    return np.full(shape, text, dtype=object)


def _enter(columns: dict[str, Any], at: tuple[int, int], case: Case, pieces: list[str]) -> None:
    """Put one case into the columns of all."""
    columns["exchange_current_source"][at] = case.source
    if case.table is None:
        columns["overall_confidence"][at] = case.reason
        columns["meaning"][at] = f"not found: {case.reason}"
        return
    columns["overall_verdict"][at] = str(case.table.attrs["verdict"])
    columns["overall_confidence"][at] = str(case.table.attrs["confidence"])
    for name in _OF_CASE:
        columns[name][at] = float(case.table[name]) if name in case.table else np.nan
    found = {str(piece): k for k, piece in enumerate(case.table["evidence"].values)}
    for place, piece in enumerate(pieces):
        if piece not in found:
            columns["meaning"][(*at, place)] = "not found: no exchange current from another half cycle"
            continue
        for name in (*_FIGURES, *_TEXTS):
            columns[name][(*at, place)] = case.table[name].values[found[piece]]
