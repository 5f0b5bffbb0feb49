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
    trace_second: np.ndarray | None = None,
    trace_second_std: np.ndarray | float = 0.0,
    image_start_utc: str | None = None,
    options: ClockOptions = ClockOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Find how the time of the images and the test time of the trace belong together.

    test time = image time + offset + drift x (image time - reference). In this order: a stated offset; markers
    (`image_second` with `trace_second`); edges (`image_second` matched to the steps of the current in the trace);
    absolute times (`image_start_utc` and the trace's own start). Where both edges and absolute times are given, the
    absolute times are the first guess of the matching.

    Parameters
    ----------
    trace : cell_trace, optional
        Not needed for markers or a stated offset.
    image_second : array (edges,), optional
        When the current changed as seen in the images, s on their axis (see `edges_in_images`), or marker times.
    image_second_std : array or float, optional
        Standard deviation, s; ``options.edge_std`` when it is missing.
    trace_second, trace_second_std : array (edges,), optional
        Test times of the same markers, and their standard deviation, s.
    image_start_utc : str, optional
        Moment of image time 0, ISO 8601 with zone.
    options : ClockOptions
        A stated offset, limits.

    Returns
    -------
    clock
        Offset, drift, their standard deviations, residuals. With one edge, or absolute times alone, the drift is
        taken to be 0 and ``drift_std`` is NaN: unknown. Errors follow from the stated ones, enlarged where the
        residuals are larger; without stated ones from the residuals of three or more edges.

    Raises
    ------
    AnalysisError
        If nothing tells the offset, the edges cannot be matched, or the clocks would drift impossibly fast.

    Warns
    -----
    LithiscopeWarning
        If the edges scatter more than chance makes likely, or one was left out as false.
    """
    if options.offset_second is not None:
        std = options.offset_std if options.offset_std is not None else 0.0
        return _unpaired(options.offset_second, std, "stated")
    guess = _absolute_offset(trace, image_start_utc)
    if image_second is None:
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
        return _fitted(pairs, "markers", options)
    if trace is None:
        raise AnalysisError(
            "edges of the images need a trace to be matched to", field="trace", remedy="give the trace or trace_second"
        )
    edges = current_edges(trace)
    return _fitted(_matched(images, errors, edges, guess, options), "edges", options)


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
    """Return the test time at image time 0 from absolute times, or None."""
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
    raise AnalysisError(
        "the trace has no absolute time",
        file=trace.attrs.get("source"),
        field="start_utc",
        remedy="open it with timezone=, or give edges or markers",
    )


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
    images: np.ndarray, errors: np.ndarray, edges: CurrentEdges, guess: float | None, options: ClockOptions
) -> _Pairs:
    known = np.where(np.isfinite(errors), errors, 0.0)
    chosen, partner = match_edges(images, known, edges, guess=guess, options=options)
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
        attrs={"method": method, "drift": f"unknown: {method} tell an offset only; taken as 0"},
    )


def _fitted(pairs: _Pairs, method: str, options: ClockOptions) -> xr.Dataset:
    stated = bool(np.all(np.isfinite(pairs.image_std)))
    std = np.hypot(pairs.image_std, pairs.trace_std) if stated else np.ones(len(pairs.image))
    difference = pairs.trace - pairs.image
    line = _line(pairs.image, difference, std, stated)
    single = len(pairs.image) == 1
    slope = 0.0 if single else line.slope
    residual = difference - line.offset - slope * (pairs.image - line.reference)
    offset_std, slope_std = _errors(line, residual, std, stated)
    _check_drift(slope, slope_std, options)
    known = "known" if not single else "unknown: one edge tells an offset only; taken as 0"
    return stages.new(
        "clock",
        {
            "image_second": ("edge", pairs.image),
            "image_second_std": ("edge", pairs.image_std),
            "trace_second": ("edge", pairs.trace),
            "residual_second": ("edge", residual),
            "offset_second": ("", line.offset),
            "offset_std": ("", offset_std),
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


def _errors(line: Line, residual: np.ndarray, std: np.ndarray, stated: bool) -> tuple[float, float]:
    """Return the standard deviations of offset and drift; NaN where they could not be known."""
    kept = line.weight > 0
    freedom = int(np.count_nonzero(kept)) - 2
    single = len(residual) == 1
    if not stated:
        if freedom < 1:
            return float("nan"), float("nan")
        scale = float(np.sqrt(np.sum(residual[kept] ** 2) / freedom))
        return line.offset_std * scale, line.slope_std * scale
    if freedom < 1:
        return line.offset_std, float("nan") if single else line.slope_std
    excess = float(np.sum((residual[kept] / std[kept]) ** 2) / freedom)
    if excess > likely_scatter(freedom):
        warnings.warn(
            f"the edges scatter by {np.sqrt(excess):.1f} times their stated errors about the line of the clocks; "
            "the errors of offset and drift were enlarged by as much",
            LithiscopeWarning,
            stacklevel=4,
        )
        return line.offset_std * float(np.sqrt(excess)), line.slope_std * float(np.sqrt(excess))
    return line.offset_std, line.slope_std


def _check_drift(drift: float, std: float, options: ClockOptions) -> None:
    if abs(drift) - 3.0 * np.nan_to_num(std) > options.largest_drift:
        raise AnalysisError(
            "the clocks would drift impossibly fast",
            field="drift",
            value=f"{drift:.3g} +- {std:.2g}",
            limit=f"{options.largest_drift:g}",
            remedy="are the edges matched to the right ones, and both times in seconds? if so, raise largest_drift",
        )
