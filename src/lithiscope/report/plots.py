"""What figures with axes share: units in readable sizes, half cycles in their colours, bands, counts in brackets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report.fitting import legend_above
from lithiscope.report.style import DIRECTION_COLOURS, DIRECTION_MARKERS, INK, MUTED

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

DIRECTION_NAMES = {1: "lithiation", -1: "delithiation", 0: "rest or unknown"}
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M"}


def readable(values: Any, unit: str) -> tuple[float, str]:
    """Return the factor and the unit in which values read between 1 and 1000.

    Parameters
    ----------
    values : array_like
        In `unit`; NaN is ignored.
    unit : str
        A unit without prefix.

    Examples
    --------
    >>> readable([2e-9, 3e-9], "A")
    (1000000000.0, 'nA')
    >>> readable([0.0], "V")
    (1.0, 'V')
    """
    sizes = np.abs(np.asarray(values, dtype=float))
    largest = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
    if largest == 0:
        return 1.0, unit
    power = min(max(3 * math.floor(math.log10(largest) / 3 + 1e-9), -15), 6)
    return 10.0**-power, _PREFIXES[power] + unit


def finite_std(data: xr.Dataset, name: str) -> Floats | None:
    """Return ``name_std`` with NaN as 0, which draws no bar; None where the stage has none."""
    return np.nan_to_num(np.asarray(data[f"{name}_std"].values, dtype=float)) if f"{name}_std" in data else None


def quadrature(data: xr.Dataset, name: str) -> Floats | None:
    """Return the named systematic shifts of a variable added in quadrature; None where the stage has none."""
    if f"{name}_shift" not in data:
        return None
    return np.asarray(np.sqrt((np.asarray(data[f"{name}_shift"].values, dtype=float) ** 2).sum(axis=0)))


def need(data: xr.Dataset, *names: str) -> None:
    """Raise where a variable that a figure draws is absent.

    Raises
    ------
    AnalysisError
        Naming the variable and what there is.
    """
    for name in names:
        if name not in data.variables:
            raise AnalysisError(
                "the stage does not hold the quantity to draw", field=name, limit=", ".join(map(str, data.variables))
            )


def need_values(data: xr.Dataset, *names: str) -> None:
    """Raise where a variable that a figure draws is absent or holds no finite value.

    Raises
    ------
    AnalysisError
        Naming the variable.
    """
    need(data, *names)
    for name in names:
        if not np.isfinite(np.asarray(data[name].values, dtype=float)).any():
            raise AnalysisError(
                "no value of the quantity to draw can be trusted", field=name, limit="one finite value",
                remedy="read the flags of the stage",
            )  # fmt: skip


def points(
    axes: Any, x: Any, y: Any, *, direction: int, x_std: Any = None, y_std: Any = None, line: str = "", **more: Any
) -> None:
    """Draw points with error bars (one sigma) in the colour and marker of a direction."""
    colour = DIRECTION_COLOURS[direction]
    style = {"color": colour, "markersize": 3.4, "elinewidth": 0.8, "capsize": 1.6, "linewidth": 0.9, **more}
    axes.errorbar(x, y, xerr=x_std, yerr=y_std, fmt=DIRECTION_MARKERS[direction] + line, **style)


def direction_handles(directions: Iterable[int], *, line: str = "") -> list[Any]:
    """Return what a legend shows of the directions present: colour and marker."""
    from matplotlib.lines import Line2D

    present = [direction for direction in (1, -1, 0) if direction in set(map(int, directions))]
    return [
        Line2D(
            [], [], color=DIRECTION_COLOURS[d], marker=DIRECTION_MARKERS[d], markersize=3.6, linestyle=line or "none",
            linewidth=0.9, label=DIRECTION_NAMES[d],
        )
        for d in present
    ]  # fmt: skip


def direction_legend(target: Any, directions: Iterable[int], *, line: str = "", **more: Any) -> None:
    """Add a legend (of axes or of a figure) that explains colour and marker of the directions present."""
    handles = direction_handles(directions, line=line)
    if not handles:
        return
    if str(more.get("loc", "")).startswith("outside upper"):
        legend_above(target, handles=handles, side=more.pop("loc").split()[-1], **more)
    else:
        target.legend(handles=handles, **more)


def bracket(axes: Any, x: float, y: float, count: int, *, above: bool = True, colour: str = MUTED) -> None:
    """Write a number of particles in brackets beside a point."""
    axes.annotate(
        f"({count})", (x, y), xytext=(0, 6 if above else -6), textcoords="offset points", ha="center",
        va="bottom" if above else "top", fontsize="x-small", color=colour,
    )  # fmt: skip


def note(axes: Any, text: str, *, where: str = "lower right", colour: str = MUTED) -> None:
    """Write a small remark into a corner of a panel."""
    vertical, horizontal = where.split()
    axes.annotate(
        text, (1.0 if horizontal == "right" else 0.0, 0.0 if vertical == "lower" else 1.0), xycoords="axes fraction",
        xytext=(-3 if horizontal == "right" else 3, 3 if vertical == "lower" else -3), textcoords="offset points",
        ha=horizontal, va="bottom" if vertical == "lower" else "top", fontsize="x-small", color=colour,
    ).set_in_layout(False)  # fmt: skip


def with_error(value: float, error: float) -> str:
    """Return a number with its error, both cut where the error says nothing more.

    Examples
    --------
    >>> with_error(28.456, 0.45), with_error(-0.01234, 0.00013)
    ('28.5 ± 0.5', '−0.01234 ± 0.00013')
    """
    if not (math.isfinite(error) and error > 0):
        return f"{value:.3g}".replace("-", "−")
    power = math.floor(math.log10(error))
    digits = max(0, -power + (1 if error / 10**power < 2 else 0))
    return f"{value:.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def c_rate_text(value: float) -> str:
    """Return a C-rate.

    Examples
    --------
    >>> c_rate_text(0.6), c_rate_text(2.0), c_rate_text(0.074)
    ('0.6C', '2C', '0.074C')
    """
    return f"{value:.2g}C"


def composition_axis(axes: Any, text: str = "lithium fraction x") -> None:
    """Make x the horizontal axis: from 0 to 1, with a little room for points beyond."""
    from matplotlib.ticker import MaxNLocator

    axes.set(xlim=(-0.03, 1.03), xlabel=text)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[2.5, 5, 10], min_n_ticks=2))  # fewer where it is narrow


def zero_line(axes: Any) -> None:
    """Draw a thin line at zero."""
    axes.axhline(0, color=MUTED, linewidth=0.6, zorder=0)


def second_axis(axes: Any, text: str, colour: str = INK) -> Any:
    """Return a second vertical axis at the right, without grid, with its label in `colour`."""
    other = axes.twinx()
    other.grid(visible=False)
    other.spines["right"].set_visible(True)
    other.set_ylabel(text, color=colour)
    return other
