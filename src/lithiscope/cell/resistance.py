"""Ohmic resistance: from steps of the current, as stated, or from an impedance spectrum."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.cell.edges import edges_of
from lithiscope.cell.kernels.smoothing import rounded_noise
from lithiscope.cell.options import EdgeOptions, ResistanceOptions
from lithiscope.cell.samples import Samples, samples_of
from lithiscope.errors import AnalysisError, LithiscopeWarning

if TYPE_CHECKING:
    import xarray as xr

_FEWEST_AFTER = 3  # samples that a straight line after a step needs
_FEWEST_BENT = 5  # samples that a parabola needs
_SURE = 3.0  # standard deviations beyond which a bend is believed
_AT_LIMIT = 0.05  # share of the range of voltages within which a step is at its end
_CYCLED = 0.5  # share of the range of voltages that is not ohmic where a cell was cycled
_STEADY = 0.1  # a current that wanders by more than this share of the step is not constant
_CHI_SQUARE = 9.0  # steps that scatter by more than three times their errors,
_SPREAD = 0.02  # and by more than this share of the resistance, are told


class Spectrum(NamedTuple):
    """An impedance spectrum: frequency (Hz), real and imaginary part of the impedance (ohm)."""

    frequency: np.ndarray
    real: np.ndarray
    imaginary: np.ndarray


class _StepResult(NamedTuple):
    second: float
    ampere: float
    ohm: float
    std: float
    delay: float
    at_limit: bool


def ohmic_resistance(
    trace: xr.Dataset | None = None,
    *,
    spectrum: Spectrum | None = None,
    options: ResistanceOptions = ResistanceOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return the ohmic resistance of the cell with its error and its time scale.

    A stated resistance goes first, then a spectrum, then the steps of the current in the trace. At each step the
    voltage before and after is led to the step along a line through ``window_second``; what the voltage does faster
    than the first sample after the step counts as ohmic, and the attributes say how long that is. Where the voltage
    bends, what a parabola gives instead is part of the error. Steps at a voltage limit are used only where there are no
    others, because there the voltage bends most. Lim et al. 2016 measure about 100 Mohm in this way.

    A static hysteresis h of the electrode (the voltage differs by 2 h between both directions of the current, however
    small the current is) jumps with the current, so it counts as a resistance h/|I|: 10 mV at 1 nA are 10 Mohm. Compare
    steps of several heights, or state the resistance.

    Parameters
    ----------
    trace : cell_trace, optional
        With steps of the current.
    spectrum : Spectrum, optional
        Impedance; its intercept with the real axis at high frequency is the resistance.
    options : ResistanceOptions
        A stated value, or how the steps are used.

    Returns
    -------
    resistance
        Weighted mean of the steps. Where they scatter beyond their errors, the scatter is part of the error of each
        (random effects, DerSimonian and Laird 1986).

    Raises
    ------
    AnalysisError
        If there is nothing to take a resistance from, or no step can be used.

    Warns
    -----
    LithiscopeWarning
        If the steps scatter by more than three times their errors, and by more than 2 %.
    """
    if options.ohm is not None:
        std = options.ohm_std if options.ohm_std is not None else 0.0
        return _stage(options.ohm, std, {"method": "stated"})
    if spectrum is not None:
        return _from_spectrum(spectrum)
    if trace is None:
        raise AnalysisError(
            "nothing tells the resistance",
            field="trace",
            remedy="give a trace with steps of the current or a spectrum, or state ohm (recipe: cell.resistance)",
        )
    return _from_steps(trace, options)


def _stage(ohm: float, std: float, attrs: dict[str, Any], steps: list[_StepResult] | None = None) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {"resistance_ohm": ("", ohm), "resistance_std": ("", std)}
    coords: dict[str, tuple[str, Any]] = {}
    if steps:
        variables |= {
            "step_second": ("step", [step.second for step in steps]),
            "step_current_ampere": ("step", [step.ampere for step in steps]),
            "step_resistance_ohm": ("step", [step.ohm for step in steps]),
            "step_resistance_std": ("step", [step.std for step in steps]),
        }
        coords["step"] = ("step", np.arange(len(steps)))
    return stages.new("resistance", variables, coords=coords, attrs=attrs)


def _from_steps(trace: xr.Dataset, options: ResistanceOptions) -> xr.Dataset:
    samples = samples_of(trace)
    edges = edges_of(samples, EdgeOptions().least_change)
    height = edges.after_ampere - edges.before_ampere
    large = np.abs(height) >= options.least_step * np.abs(height).max(initial=0.0)
    noise = rounded_noise(samples.voltage)
    starts = np.concatenate([[0], edges.sample])
    ends = np.concatenate([edges.sample, [len(samples.time)]])
    found = [
        _at_step(samples, (int(starts[index]), int(edges.sample[index]), int(ends[index + 1])), noise, options)
        for index in np.flatnonzero(large)
    ]
    steps = [step for step in found if step is not None]
    if not steps:
        raise AnalysisError(
            "no step of the current can be used for the resistance",
            file=trace.attrs.get("source"),
            field="window_second",
            value=f"{options.window_second} s, {len(height)} steps in the trace",
            limit=f"at least {_FEWEST_AFTER} samples of constant current after a step and one before, in the window",
            remedy="sample faster after steps, widen window_second, or state ohm (recipe: cell.resistance)",
        )
    steps = _away_from_limits(steps, samples)
    ohm, error = (np.array([getattr(step, name) for step in steps]) for name in ("ohm", "std"))
    mean, std, excess = _mean_of_steps(ohm, error)
    if excess > _CHI_SQUARE and float(np.std(ohm)) > _SPREAD * abs(mean):
        warnings.warn(
            f"the resistance differs between the {len(steps)} steps by {np.sqrt(excess):.1f} times their errors "
            f"({ohm.min():.4g} to {ohm.max():.4g} ohm); it may depend on time, current or lithium fraction",
            LithiscopeWarning,
            stacklevel=3,
        )
    attrs = {
        "method": "steps",
        "time_scale_second": float(np.median([step.delay for step in steps])),
        "extrapolation": options.extrapolation,
    }
    return _stage(mean, std, attrs, steps)


def _away_from_limits(steps: list[_StepResult], samples: Samples) -> list[_StepResult]:
    """Return the steps that are not at a voltage limit; all where there are no others, or where nothing was cycled."""
    ohm = float(np.median([step.ohm for step in steps]))
    # Where pulses alone move the voltage, its limits are those of the pulses.
    still = float(np.ptp(samples.voltage - ohm * samples.current))
    if still < _CYCLED * float(np.ptp(samples.voltage)):
        return steps
    return [step for step in steps if not step.at_limit] or steps


def _mean_of_steps(ohm: np.ndarray, error: np.ndarray) -> tuple[float, float, float]:
    """Return mean, standard deviation, and the scatter over that of the errors alone (squared, per degree of freedom).

    Steps that scatter more have a variance in common beside their own (DerSimonian and Laird, Control. Clin. Trials 7,
    177 (1986), eq. 8); one that bends least would otherwise speak for all.
    """
    weight = error**-2.0
    mean = float(np.sum(weight * ohm) / weight.sum())
    freedom = len(ohm) - 1
    square = float(np.sum(weight * (ohm - mean) ** 2))
    if square > freedom > 0:
        common = (square - freedom) / float(weight.sum() - np.sum(weight**2) / weight.sum())
        weight = 1.0 / (error**2 + common)
        mean = float(np.sum(weight * ohm) / weight.sum())
    return mean, float(weight.sum() ** -0.5), square / max(freedom, 1)


def _at_step(
    samples: Samples, bounds: tuple[int, int, int], noise: float, options: ResistanceOptions
) -> _StepResult | None:
    """Return the resistance at one step, or None where too little was measured around it."""
    start, step, end = bounds
    time, voltage, current = samples.time, samples.voltage, samples.current
    moment = (time[step] + time[step - 1]) / 2
    # What the step before set going has died down most in the later half of the time since.
    reach = min(options.window_second, (moment - time[start]) / 2)
    before = np.arange(start, step)[time[start:step] >= moment - reach]
    after = np.arange(step, end)[
        (time[step:end] <= moment + options.window_second) & (time[step:end] > moment + options.skip_second)
    ]
    if len(before) == 0:
        before = np.array([step - 1])
    if len(after) < _FEWEST_AFTER:
        return None
    height = float(np.mean(current[after]) - np.mean(current[before]))
    if max(np.ptp(current[before]), np.ptp(current[after])) > _STEADY * abs(height) + 8.0 * samples.rest_current:
        return None
    limits = float(voltage.min()), float(voltage.max())
    at_limit = min(abs(float(np.median(voltage[before[-_FEWEST_AFTER:]])) - limit) for limit in limits)
    low = _led_back(time[before] - moment, voltage[before], noise, "linear")
    high = _led_back(time[after] - moment, voltage[after], noise, options.extrapolation)
    # The step lies anywhere between its two samples; the voltage moves while it waits.
    doubt = (time[step] - time[step - 1]) / np.sqrt(12.0) * abs(high.slope - low.slope)
    if options.extrapolation == "root":
        doubt = 0.0
    std = float(np.sqrt(low.std**2 + high.std**2 + doubt**2)) / abs(height)
    delay = float(time[after[0]] - moment)
    near = at_limit <= _AT_LIMIT * (limits[1] - limits[0])
    return _StepResult(float(moment), height, (high.value - low.value) / height, std, delay, near)


class _Led(NamedTuple):
    value: float
    std: float
    slope: float


def _led_back(time: np.ndarray, voltage: np.ndarray, noise: float, kind: str) -> _Led:
    """Return the voltage at time 0 of the line through the samples; the mean of fewer than three."""
    if len(time) < _FEWEST_AFTER:
        return _Led(float(voltage[-1] if time[-1] < 0 else voltage[0]), noise, 0.0)
    across = np.sqrt(np.abs(time)) if kind == "root" else time
    design = np.column_stack([np.ones_like(across), across])
    answer, *_ = np.linalg.lstsq(design, voltage, rcond=None)
    inverse = np.linalg.pinv(design.T @ design)
    residual = voltage - design @ answer
    # A bend that the line does not follow shows in the residuals and enlarges the error.
    scatter = np.sum(residual**2) / (len(time) - 2) if len(time) > 2 else 0.0
    sigma = np.sqrt(max(noise**2, float(scatter)))
    bend = _bend(across, voltage, noise, float(answer[0]))
    return _Led(float(answer[0]), float(np.hypot(sigma * np.sqrt(inverse[0, 0]), bend)), float(answer[1]))


def _bend(across: np.ndarray, voltage: np.ndarray, noise: float, straight: float) -> float:
    """Return how far a parabola leads from where the line does, where the samples bend for sure; 0 otherwise."""
    if len(across) < _FEWEST_BENT:
        return 0.0
    design = np.vander(across, 3, increasing=True)
    answer, *_ = np.linalg.lstsq(design, voltage, rcond=None)
    residual = voltage - design @ answer
    sigma = np.sqrt(max(noise**2, float(np.sum(residual**2) / (len(across) - 3))))
    sure = abs(answer[2]) > _SURE * sigma * np.sqrt(np.linalg.pinv(design.T @ design)[2, 2])
    return float(abs(answer[0] - straight)) if sure else 0.0


def _from_spectrum(spectrum: Spectrum) -> xr.Dataset:
    order = np.argsort(-np.asarray(spectrum.frequency, dtype=float), kind="stable")
    frequency, real, imaginary = (np.asarray(part, dtype=float)[order] for part in spectrum)
    if len(frequency) < 4 or not np.all(np.isfinite(real + imaginary)) or frequency[-1] <= 0:
        raise AnalysisError(
            "the spectrum cannot be used",
            field="spectrum",
            value=f"{len(frequency)} points",
            limit="at least 4 finite points at positive frequencies",
        )
    # Capacitive impedance has a negative imaginary part; above the intercept the leads are inductive.
    crossing = np.flatnonzero(np.diff(np.sign(imaginary)) != 0)
    if len(crossing) == 0:
        value, std, at = _arc_intercept(frequency, real, imaginary)
    else:
        near = slice(max(int(crossing[0]) - 1, 0), int(crossing[0]) + 3)
        value, std = _line_intercept(imaginary[near], real[near])
        at = float(frequency[crossing[0]])
    return _stage(value, std, {"method": "impedance", "time_scale_second": 1.0 / (2 * np.pi * at)})


def _line_intercept(imaginary: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    led = _led_back(imaginary, real, 0.0, "linear")
    return led.value, led.std


def _arc_intercept(frequency: np.ndarray, real: np.ndarray, imaginary: np.ndarray) -> tuple[float, float, float]:
    """Return where a circle through the points of high frequency meets the real axis, left of them."""
    points = slice(0, max(4, int(np.argmax(np.abs(imaginary))) + 1))
    values = [_circle(real[points], imaginary[points])]
    if len(real[points]) > 4:
        every = np.arange(len(real[points]))
        values += [_circle(np.delete(real[points], out), np.delete(imaginary[points], out)) for out in every]
    value = values[0]
    if not np.isfinite(value):
        raise AnalysisError(
            "the spectrum does not lead to the real axis",
            field="spectrum",
            value=f"up to {frequency[0]:.3g} Hz",
            remedy="measure up to higher frequencies, or use steps of the current",
        )
    # Jackknife; with four points only, the whole extrapolation is in doubt.
    count = len(values) - 1
    spread = np.array(values[1:])
    std = float(np.sqrt((count - 1) / count * np.sum((spread - spread.mean()) ** 2))) if count else abs(real[0] - value)
    return value, std, float(frequency[0])


def _circle(x: np.ndarray, y: np.ndarray) -> float:
    """Return the left intercept with y = 0 of the circle through the points (least squares of Kasa)."""
    design = np.column_stack([2 * x, 2 * y, np.ones_like(x)])
    (centre_x, centre_y, rest), *_ = np.linalg.lstsq(design, x**2 + y**2, rcond=None)
    square = rest + centre_x**2
    return float(centre_x - np.sqrt(square)) if square >= 0 and np.isfinite(centre_y) else float("nan")
