"""The clocks of images and potentiostat: offset and drift from edges, markers or absolute times."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.cell.edges import CurrentEdges, current_edges
from lithiscope.cell.kernels.lines import Line, likely_scatter, robust_line, weighted_line
from lithiscope.cell.matching import match_edges
from lithiscope.cell.options import ClockOptions
from lithiscope.errors import AnalysisError, LithiscopeWarning

if TYPE_CHECKING:
    import xarray as xr


_SURE = 3.0  # standard deviations beyond which two offsets disagree
_BY_HAND = 60.0  # s, how well clocks that people set are taken to agree where nothing is stated


_TELLS = {"stated": "a stated clock tells", "absolute times": "absolute times tell"}


class _Pairs(NamedTuple):
    image: np.ndarray
    image_std: np.ndarray
    trace: np.ndarray
    trace_std: np.ndarray


def fit_clock(
    trace: xr.Dataset | None = None,
    *,
    image_second: np.ndarray | None = None,
    image_second_std: np.ndarray | float | None = None,
    image_slope: np.ndarray | None = None,
    trace_second: np.ndarray | None = None,
    trace_second_std: np.ndarray | float = 0.0,
    image_start_utc: str | None = None,
    options: ClockOptions = ClockOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Find how the time of the images and the test time of the trace belong together.

    test time = image time + offset + drift x (image time - reference). In this order: a stated offset; markers
    (`image_second` with `trace_second`); edges (`image_second` matched to the steps of the current in the trace);
    absolute times (`image_start_utc` and the trace's own start). Where absolute times are known beside another way, the
    edges are sought near them, and the result is held against them.

    Parameters
    ----------
    trace : cell_trace, optional
        Not needed for markers or a stated offset.
    image_second : array (edges,), optional
        When the current changed as seen in the images, s on their axis (see `edges_in_images`), or marker times.
    image_second_std : array or float, optional
        Standard deviation, s; ``options.edge_std`` when it is missing.
    image_slope : array (edges, 2), optional
        Slope of the mean lithium fraction before and after each edge, 1/s: edges are matched to steps of their kind.
    trace_second, trace_second_std : array (edges,), optional
        Test times of the same markers, and their standard deviation, s.
    image_start_utc : str, optional
        Moment of image time 0, ISO 8601 with zone.
    options : ClockOptions
        A stated offset, limits.

    Returns
    -------
    clock
        Offset, drift, their standard deviations, residuals. With one edge, or absolute times alone, or where the edges
        tell the drift no better than ``options.largest_drift``, the drift is taken to be 0 and ``drift_std`` is NaN:
        unknown. Errors follow from the stated ones, enlarged where the residuals are larger; without stated ones from
        the residuals of three or more edges.

    Raises
    ------
    AnalysisError
        If nothing tells the offset, the edges cannot be matched, the clocks would drift impossibly fast, or the edges
        contradict the absolute times.

    Warns
    -----
    LithiscopeWarning
        If the edges scatter more than chance makes likely, or one was left out as false; if the offset disagrees with
        the absolute times.
    """
    guess = _absolute_offset(trace, image_start_utc)
    if options.offset_second is not None:
        std = options.offset_std if options.offset_std is not None else 0.0
        return _held_against(guess, _unpaired(options.offset_second, std, "stated"), options)
    if image_second is None:
        if guess is None and image_start_utc is not None and trace is not None:
            raise _no_absolute_time(trace)
        if guess is None:
            raise AnalysisError(
                "nothing tells how the clocks of images and trace belong together",
                field="image_second",
                remedy="give edges or markers, or open the trace with timezone= and give image_start_utc, or state "
                "options.offset_second",
            )
        if options.offset_std is None:
            warnings.warn(
                "the offset from absolute times has no stated uncertainty (offset_std; recipe: cell.clock); its error "
                "is unknown",
                LithiscopeWarning,
                stacklevel=2,
            )
        std = options.offset_std if options.offset_std is not None else float("nan")
        return _unpaired(guess, std, "absolute times")
    images, errors = _image_edges(image_second, image_second_std, options)
    if trace_second is not None:
        pairs = _marked(images, errors, trace_second, trace_second_std)
        return _held_against(guess, _fitted(pairs, "markers", options), options)
    if trace is None:
        raise AnalysisError(
            "edges of the images need a trace to be matched to", field="trace", remedy="give the trace or trace_second"
        )
    pairs = _matched(images, errors, current_edges(trace), image_slope, guess, options)
    return _held_against(guess, _fitted(pairs, "edges", options), options)


def to_trace_second(clock: xr.Dataset, image_second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the test time of image times and its standard deviation, s; without a known drift that of the offset."""
    stages.check(clock, "clock")
    image = np.asarray(image_second, dtype=float)
    since = image - float(clock["reference_second"])
    second = image + float(clock["offset_second"]) + float(clock["drift"]) * since
    std = float(clock["offset_std"]) if "offset_std" in clock else 0.0
    drift_std = float(clock["drift_std"]) if "drift_std" in clock else np.nan
    return second, np.hypot(np.nan_to_num(std), np.nan_to_num(drift_std) * since)


def _absolute_offset(trace: xr.Dataset | None, image_start_utc: str | None) -> float | None:
    """Return the test time at image time 0 from absolute times; None where one of both clocks has none."""
    if image_start_utc is None:
        return None
    start = datetime.fromisoformat(image_start_utc)
    if start.tzinfo is None:
        raise AnalysisError(
            "the start of the images has no zone",
            field="image_start_utc",
            value=image_start_utc,
            remedy="write it with its zone, e.g. 2015-06-01T08:00:00+00:00",
        )
    if trace is None:
        return None
    if "unix_time_second" in trace:
        clock = np.asarray(trace["unix_time_second"].values - trace["test_time_second"].values, dtype=float)
        return start.timestamp() - float(np.nanmedian(clock))
    if "start_utc" in trace.attrs:
        begin = datetime.fromisoformat(trace.attrs["start_utc"])
        return start.timestamp() - (begin if begin.tzinfo else begin.replace(tzinfo=UTC)).timestamp()
    return None


def _no_absolute_time(trace: xr.Dataset) -> AnalysisError:
    return AnalysisError(
        "the trace has no absolute time",
        file=trace.attrs.get("source"),
        field="start_utc",
        remedy="open it with timezone=, or give edges or markers",
    )


def _held_against(guess: float | None, clock: xr.Dataset, options: ClockOptions) -> xr.Dataset:
    """Return the clock; warn or stop where it contradicts the absolute times of both files."""
    if guess is None:
        return clock
    reference = float(clock["reference_second"])
    # The absolute times know of no drift: compared where the offset is best known.
    offset, std = float(clock["offset_second"]), float(np.nan_to_num(clock["offset_std"].values))
    apart = abs(offset - guess)
    method = clock.attrs["method"]
    told = f"{offset:.6g} +- {std:.2g} s by {method} at image time {reference:.6g} s, {guess:.6g} s by absolute times"
    if method == "edges" and apart > max(options.absolute_within_second, _SURE * std):
        raise AnalysisError(
            "the edges of the images contradict the absolute times of both files",
            file=clock.attrs.get("source"),
            field="offset_second",
            value=told,
            limit=f"{options.absolute_within_second:g} s apart",
            remedy="mend data.timezone or cell.timezone, or use cell.clock.source: absolute; if one of the clocks was "
            "really set so wrong, raise cell.clock.absolute_within_second",
        )
    known = options.offset_std if options.offset_std is not None and method != "stated" else _BY_HAND
    if apart > _SURE * np.hypot(std, known):
        warnings.warn(
            f"the offset of the clocks disagrees with the absolute times of both files: {told}; if neither clock was "
            "set wrong, see data.timezone, cell.timezone and cell.clock",
            LithiscopeWarning,
            stacklevel=3,
        )
    return clock


def _image_edges(
    second: np.ndarray, std: np.ndarray | float | None, options: ClockOptions
) -> tuple[np.ndarray, np.ndarray]:
    images = np.atleast_1d(np.asarray(second, dtype=float))
    if len(images) == 0 or not np.all(np.isfinite(images)) or np.any(np.diff(images) <= 0):
        raise AnalysisError(
            "the edges of the images are in the wrong order",
            field="image_second",
            value=images[:5],
            limit="at least one finite time, strictly increasing",
        )
    stated = options.edge_std if std is None else std
    errors = (
        np.full(len(images), np.nan) if stated is None else np.broadcast_to(np.asarray(stated, float), images.shape)
    )
    if np.any(errors <= 0):
        raise AnalysisError("a standard deviation is not positive", field="image_second_std", value=errors.min())
    return images, np.array(errors)


def _marked(images: np.ndarray, errors: np.ndarray, second: np.ndarray, std: np.ndarray | float) -> _Pairs:
    trace = np.atleast_1d(np.asarray(second, dtype=float))
    if len(trace) != len(images):
        raise AnalysisError(
            "markers do not come in pairs",
            field="trace_second",
            value=f"{len(images)} times in the images, {len(trace)} in the trace",
            remedy="leave trace_second out to have the edges matched to the current",
        )
    return _Pairs(images, errors, trace, np.broadcast_to(np.asarray(std, dtype=float), trace.shape))


def _matched(
    images: np.ndarray,
    errors: np.ndarray,
    edges: CurrentEdges,
    slopes: np.ndarray | None,
    guess: float | None,
    options: ClockOptions,
) -> _Pairs:
    known = np.where(np.isfinite(errors), errors, 0.0)
    chosen, partner = match_edges(images, known, edges, slopes=slopes, guess=guess, options=options)
    if len(chosen) < len(images):
        left = images[np.setdiff1d(np.arange(len(images)), chosen)]
        warnings.warn(
            f"{len(left)} of {len(images)} edges of the images have no step of the current within reach and were left "
            f"out: at {', '.join(f'{value:.6g}' for value in left)} s",
            LithiscopeWarning,
            stacklevel=3,
        )
    return _Pairs(images[chosen], errors[chosen], edges.second[partner], edges.second_std[partner])


def _unpaired(offset: float, std: float, method: str) -> xr.Dataset:
    return stages.new(
        "clock",
        {
            "image_second": ("edge", np.zeros(0)),
            "trace_second": ("edge", np.zeros(0)),
            "residual_second": ("edge", np.zeros(0)),
            "offset_second": ("", offset),
            "offset_std": ("", std),
            "drift": ("", 0.0),
            "drift_std": ("", np.nan),
            "reference_second": ("", 0.0),
        },
        coords={"edge": ("edge", np.arange(0))},
        attrs={"method": method, "drift": f"unknown: {_TELLS[method]} an offset only; taken as 0"},
    )


def _fitted(pairs: _Pairs, method: str, options: ClockOptions) -> xr.Dataset:
    stated = bool(np.all(np.isfinite(pairs.image_std)))
    std = np.hypot(pairs.image_std, pairs.trace_std) if stated else np.ones(len(pairs.image))
    difference = pairs.trace - pairs.image
    line = _line(pairs.image, difference, std, stated)
    residual = difference - line.offset - line.slope * (pairs.image - line.reference)
    scale = _scale(line, residual, std, stated, 2)
    slope, slope_std, known = line.slope, line.slope_std * scale, "known"
    _check_drift(slope, slope_std, options)
    if not slope_std <= options.largest_drift:
        # A drift that is known no better than any clock runs would only carry the noise of the edges elsewhere.
        why = "one edge tells" if len(difference) == 1 else f"the {method} tell it to +- {slope_std:.1g} only, and tell"
        slope, slope_std, known = 0.0, float("nan"), f"unknown: {why} an offset only; taken as 0"
        residual = difference - line.offset
        scale = _scale(line, residual, std, stated, 1)
    if stated and scale > 1.0:
        warnings.warn(
            f"the {method} scatter by {scale:.1f} times their stated errors about the line of the clocks; "
            "the errors of offset and drift were enlarged by as much",
            LithiscopeWarning,
            stacklevel=3,
        )
    return stages.new(
        "clock",
        {
            "image_second": ("edge", pairs.image),
            "image_second_std": ("edge", pairs.image_std),
            "trace_second": ("edge", pairs.trace),
            "residual_second": ("edge", residual),
            "offset_second": ("", line.offset),
            "offset_std": ("", line.offset_std * scale),
            "drift": ("", slope),
            "drift_std": ("", slope_std),
            "reference_second": ("", line.reference),
        },
        coords={"edge": ("edge", np.arange(len(pairs.image)))},
        attrs={"method": method, "drift": known},
    )


def _line(image: np.ndarray, difference: np.ndarray, std: np.ndarray, stated: bool) -> Line:
    if len(image) < 4 or not stated:
        # Three points with a false one among them cannot tell which; their residuals do tell that there is one.
        return weighted_line(image, difference, std, np.ones(len(image)))
    line = robust_line(image, difference, std)
    left_out = np.flatnonzero(line.weight == 0)
    if len(left_out):
        warnings.warn(
            f"{len(left_out)} of {len(image)} edges lie far off the line of the others and were left out: at "
            f"{', '.join(f'{image[index]:.6g}' for index in left_out)} s",
            LithiscopeWarning,
            stacklevel=4,
        )
    return line


def _scale(line: Line, residual: np.ndarray, std: np.ndarray, stated: bool, unknowns: int) -> float:
    """Return by how much the errors of the line grow to hold the residuals; NaN where they could not be known."""
    kept = line.weight > 0
    freedom = int(np.count_nonzero(kept)) - unknowns
    # Without stated errors, two edges alone could agree by chance.
    if not stated and np.count_nonzero(kept) < 3:
        return float("nan")
    if freedom < 1:
        return 1.0
    excess = float(np.sum((residual[kept] / std[kept]) ** 2) / freedom)
    return float(np.sqrt(excess)) if not stated or excess > likely_scatter(freedom) else 1.0


def _check_drift(drift: float, std: float, options: ClockOptions) -> None:
    if abs(drift) - 3.0 * np.nan_to_num(std) > options.largest_drift:
        raise AnalysisError(
            "the clocks would drift impossibly fast",
            field="drift",
            value=f"{drift:.3g} +- {std:.2g}",
            limit=f"{options.largest_drift:g}",
            remedy="are the edges matched to the right ones, and both times in seconds? if so, raise largest_drift",
        )
