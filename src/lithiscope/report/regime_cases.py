"""What limits each particle in each half cycle, all cases in one figure, and where they lie between the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report.fitting import columns_of, empty_figure, legend_above
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import DIRECTION_NAMES, need, note
from lithiscope.report.regime import DIFFUSION, REACTION, MorphologyPoint, verdict_look
from lithiscope.report.style import FAINT, INK, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

_MOST_CASES = 24
_MEASURED, _STATED = "measured_ratio_of_times", "ratio_of_times"
_REACH = 3.0  # decades to either side of equal times
_HEADS = {
    "ratio_of_times": "stated times",
    "measured_ratio_of_times": "curvature of the profile",
    "surface_depletion": "composition of the face",
    "reaction_front": "where lithium goes",
    "gradient_width": "width of the gradient",
    "current_against_surface": "course of the current",
}


class Case(NamedTuple):
    """One particle in one half cycle: its place in the table and what it is called."""

    particle: str
    half_cycle: int
    direction: int

    @property
    def name(self) -> str:
        """What people call it."""
        way = DIRECTION_NAMES[self.direction] if self.direction else "half cycle"
        return f"{self.particle}, {way} ({self.half_cycle})"


def cases_of(evidence: xr.Dataset) -> list[tuple[Case, xr.Dataset]]:
    """Return every particle and half cycle of an evidence table with what it holds of it."""
    found = []
    for particle in evidence["particle"].values:
        for k, half_cycle in enumerate(evidence["half_cycle"].values):
            direction = int(evidence["direction"].values[k]) if "direction" in evidence.coords else 0
            one = evidence.sel(particle=particle).isel(half_cycle=k)
            found.append((Case(str(particle), int(half_cycle), direction), one))
    return found


def case_figure(
    evidence: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the verdicts of all particles and half cycles: the ratio of times at the left, every piece at the right.

    Parameters
    ----------
    evidence : EvidenceTable
        With dimensions particle and half_cycle. At most 24 cases are drawn, the first.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Left: tau_reaction/tau_bulk from the profile with its 95 % range (filled) and from stated
        values (hollow); within the grey band nothing is decided. Right: what each piece says, and the verdict on all.

    Raises
    ------
    AnalysisError
        If there is no case or no piece.
    """
    check(evidence, "evidence_table")
    need(evidence, "value", "low", "high", "verdict", "overall_verdict")
    every = cases_of(evidence)
    cases, pieces = every[:_MOST_CASES], [str(name) for name in evidence["evidence"].values]
    if not cases or not pieces:
        raise AnalysisError("there is no evidence to draw", field="evidence", value=0, limit="at least one piece")
    with style(options):
        columns = columns_of(options.width, 2, least=2.4)
        figure = empty_figure(options, 1.0, (1.5 + 0.2 * len(cases)) / options.width, lines=3 - columns)
        left, right = figure.subplots(
            3 - columns, columns, sharey=True, width_ratios=[1.25, 1][:columns], squeeze=False
        ).ravel()
        _ratios(left, cases, float(evidence.attrs.get("band", 3.0)))
        _matrix(right, cases, pieces)
        left.set_yticks(range(len(cases)), [case.name for case, _ in cases], parse_math=False)
        left.set_ylim(len(cases) - 0.4, -0.6)
        _legend(figure)
        if len(every) > len(cases):
            note(right, f"{len(every) - len(cases)} more in the table", where="lower right")
        return to_bytes(figure, options)


def _ratios(axes: Any, cases: list[tuple[Case, xr.Dataset]], band: float) -> None:
    axes.axvspan(-np.log10(band), np.log10(band), color=FAINT, alpha=0.5, linewidth=0)
    axes.axvline(0, color=MUTED, linewidth=0.6)
    for row, (_, one) in enumerate(cases):
        for name, shift, hollow in ((_STATED, 0.22, True), (_MEASURED, -0.08, False)):
            if name in one["evidence"].values:
                _ratio(axes, one.sel(evidence=name), row + shift, hollow=hollow)
    ticks = np.arange(-3, 4)
    axes.set(xlim=(-_REACH - 0.2, _REACH + 0.2), xticks=ticks)
    axes.set_xticklabels(["0.001", "0.01", "0.1", "1", "10", "100", "1000"])
    axes.set_xlabel("reaction time / diffusion time")
    axes.grid(visible=False, axis="y")
    axes.set_title("← bulk diffusion", fontweight="normal", fontsize="small")
    axes.set_title("surface reaction →", loc="right", fontweight="normal", fontsize="small")


def _ratio(axes: Any, piece: xr.Dataset, y: float, *, hollow: bool) -> None:
    value, low, high = (float(piece[name]) for name in ("value", "low", "high"))
    if not np.isfinite([value, low, high]).all():
        return
    colour, marker = verdict_look(str(piece["verdict"].values))
    shown = float(np.clip(value, -_REACH, _REACH))
    ends = np.clip([low, high], -_REACH - 0.1, _REACH + 0.1)
    axes.plot(ends, [y, y], color=colour, linewidth=0.8 if hollow else 1.4, solid_capstyle="butt")
    if hollow:
        axes.plot([shown], [y], marker, color=colour, markersize=3.5, markerfacecolor="none", markeredgewidth=0.8)
        return
    axes.plot([shown], [y], marker, color=colour, markersize=5)
    if high > _REACH:
        # The noise hides the curvature: diffusion is at least that fast.
        axes.plot([_REACH + 0.1], [y], ">", color=colour, markersize=3.5)


def _matrix(axes: Any, cases: list[tuple[Case, xr.Dataset]], pieces: list[str]) -> None:
    for row, (_, one) in enumerate(cases):
        for column, piece in enumerate(pieces):
            found = one.sel(evidence=piece)
            if np.isfinite(float(found["value"])):
                colour, marker = verdict_look(str(found["verdict"].values))
                axes.plot([column], [row], marker, color=colour, markersize=4.5)
        colour, marker = verdict_look(str(one["overall_verdict"].values))
        axes.plot([len(pieces) + 0.4], [row], marker, color=colour, markersize=7.5)
    axes.axvline(len(pieces) - 0.3, color=MUTED, linewidth=0.6)
    heads = [_HEADS.get(name, name.replace("_", " ")) for name in pieces]
    axes.set_xticks([*range(len(pieces)), len(pieces) + 0.4], [*heads, "verdict"], rotation=40, ha="right")
    axes.set_xlim(-0.6, len(pieces) + 1.0)
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="y", length=0)


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    words = ((REACTION, "surface reaction limits"), (DIFFUSION, "bulk diffusion limits"), ("", "not decidable"))
    handles = []
    for verdict, text in words:
        colour, marker = verdict_look(verdict)
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=5, label=text))
    handles.append(
        Line2D(
            [], [], color=INK, marker="o", markerfacecolor="none", linestyle="-", markersize=3.5, label="stated times"
        )
    )
    legend_above(figure, handles=handles, ncols=4)


def morphology_points(evidence: xr.Dataset) -> list[MorphologyPoint]:
    """Return the cases whose three times are known, as points of the morphology diagram.

    Parameters
    ----------
    evidence : EvidenceTable
        With tau_bulk, tau_reaction and tau_process and their ranges.
    """
    names = [f"tau_{name}{end}" for name in ("bulk", "reaction", "process") for end in ("_low", "", "_high")]
    if not set(names) <= set(evidence):
        return []
    cases = cases_of(evidence) if "particle" in evidence.dims else [(Case("measured", 0, 0), evidence)]
    found = []
    for case, one in cases:
        times = np.array([float(one[name]) for name in names]).reshape(3, 3)
        if not np.isfinite(times).all() or min(*times[1:].ravel(), times[0, 2]) <= 0:
            continue
        bulk, reaction, process = times
        found.append(MorphologyPoint(case.particle, _over(bulk, process), _over(bulk, reaction), case.direction))
    return found


def _over(above: Any, below: Any) -> tuple[float, float, float]:
    """Return a ratio of (low, value, high) with its range, errors of the logarithms in quadrature.

    Its low end is 0 where that of the upper number is: only an upper limit is known.
    """
    if above[0] <= 0:
        return 0.0, float(above[1] / below[1]), float(above[2] / below[0])
    value = above[1] / below[1]
    down = np.hypot(np.log10(above[1] / above[0]), np.log10(below[2] / below[1]))
    up = np.hypot(np.log10(above[2] / above[1]), np.log10(below[1] / below[0]))
    return float(value / 10**down), float(value), float(value * 10**up)
