"""The virtual microscope: it exposes a scene energy by energy and line by line, and counts photons."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.instruments.stxm.kernels import counted, gauss_hermite
from lithiscope.instruments.stxm.options import MicroscopeOptions
from lithiscope.instruments.stxm.scenes import Scene
from lithiscope.instruments.stxm.spectra import (
    BACKGROUND_EXPONENT,
    FEPO4,
    LIFEPO4,
    PRE_EDGE_ENERGY,
    optical_density_per_nanometre,
)

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

_FWHM_PER_SIGMA = float(np.sqrt(8 * np.log(2)))
_SECONDS_PER_HOUR = 3600.0


class Acquisition(NamedTuple):
    """What the microscope wrote, and what was true.

    Parameters
    ----------
    recording : xarray.Dataset
        Stage "recording", dims (time, energy, y, x).
    truth : xarray.Dataset
        lithium_fraction (time, y, x) at mid-scan and without drift, thickness (nm), label, mask; drift
        (time, energy, axis) in um: a point at r in the first frame is found at r + drift; incident (time, energy),
        mean counts without particles, dark counts and stray light; expected_counts (time, energy, y, x), the mean of
        the photons and dark counts that arrive; spike (time, energy, y, x); exposure_mid (time, energy) in s.
    """

    recording: xr.Dataset
    truth: xr.Dataset


def scan_duration(scene: Scene, options: MicroscopeOptions) -> float:
    """Return how long one scan takes, over all its energies (s)."""
    energies = len(options.energies)
    return energies * _frame_duration(scene, options) + (energies - 1) * options.energy_change


def scan_times(scene: Scene, options: MicroscopeOptions, *, per_half_cycle: int = 9) -> Array:
    """Return when to begin scans so that their middles spread evenly over each half cycle, both ends included.

    Parameters
    ----------
    scene : Scene
        Its protocol has the half cycles.
    options : MicroscopeOptions
        The microscope, which sets how long a scan takes.
    per_half_cycle : int
        Number of scans in each half cycle, at least 2.

    Returns
    -------
    ndarray
        Times (s), to the millisecond, because file formats write no more.
    """
    half = scan_duration(scene, options) / 2
    middles = [np.linspace(part.start, part.end, per_half_cycle) for part in scene.protocol]
    return np.round(np.concatenate(middles) - half, 3)


def incident_counts(energy: ArrayLike, options: MicroscopeOptions, *, membrane: bool = True) -> Array:
    """Return the mean counts of a pixel without particles at nominal ring current.

    Parameters
    ----------
    energy : array_like, shape (E,)
        Photon energies (eV).
    options : MicroscopeOptions
        The microscope.
    membrane : bool
        Whether window and liquid are in the beam; False gives what an external I0 spectrum would show.

    Returns
    -------
    ndarray, shape (E,)
        Counts, without dark counts.
    """
    values = np.asarray(energy, dtype=np.float64)
    flux = options.incident_photons * (1 + options.incident_slope * (values - PRE_EDGE_ENERGY))
    absorbed = -np.log(options.transmission) * (values / PRE_EDGE_ENERGY) ** BACKGROUND_EXPONENT
    return np.asarray(flux * options.efficiency * np.exp(-absorbed if membrane else 0.0 * absorbed))


def ring_current(time: ArrayLike, options: MicroscopeOptions) -> Array:
    """Return the current in the storage ring at times (s), decaying between top-ups and 0 without beam (A)."""
    when = np.asarray(time, dtype=np.float64)
    since = np.mod(when, options.top_up_interval) if options.top_up_interval else when
    lost = np.zeros(when.shape, dtype=bool)
    for start in options.dump_times:
        lost |= (when >= start) & (when < start + options.dump_duration)
    return np.where(lost, 0.0, options.ring_current * np.exp(-since / options.ring_lifetime))


def acquire(
    scene: Scene,
    times: ArrayLike,
    *,
    options: MicroscopeOptions = MicroscopeOptions(),  # noqa: B008 - frozen
    seed: int = 0,
) -> Acquisition:
    """Scan a scene.

    Parameters
    ----------
    scene : Scene
        What lies under the microscope.
    times : array_like of float, shape (T,)
        When each scan begins (s).
    options : MicroscopeOptions
        The microscope.
    seed : int
        Of all that is random.

    Returns
    -------
    Acquisition
        The recording and the truth.

    Raises
    ------
    OptionError
        If the times do not increase, or a scan would begin before the one before it has ended.
    """
    starts = np.asarray(times, dtype=np.float64)
    _check_times(starts, scan_duration(scene, options))
    rng = np.random.default_rng(seed)
    frame = _frame_duration(scene, options)
    begin = starts[:, None] + np.arange(len(options.energies)) * (frame + options.energy_change)
    drift = _drift(begin, options, rng)
    y, x = scene.grid(options.pixel)
    shape = (*begin.shape, y.size, x.size)
    counts, expected = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    spike = np.empty(shape, dtype=bool)
    for index in np.ndindex(begin.shape):
        mean = _expected(scene, float(begin[index]), options.energies[index[-1]], drift[index], options)
        expected[index] = mean
        counts[index], spike[index] = _detect(mean, options, rng)
    middle = begin + frame / 2
    return Acquisition(
        _recording(counts, begin, middle, y, x, options), _truth(scene, expected, spike, drift, middle, options, seed)
    )


def _frame_duration(scene: Scene, options: MicroscopeOptions) -> float:
    y, x = scene.grid(options.pixel)
    return float(y.size * (x.size * options.dwell + options.line_overhead))


def _check_times(starts: Array, duration: float) -> None:
    gaps = np.diff(starts)
    if starts.ndim != 1 or starts.size == 0 or not np.isfinite(starts).all():
        raise OptionError("the scans need a list of finite times", field="times", value=starts, limit="seconds")
    if gaps.size and gaps.min() < duration:
        raise OptionError(
            "a scan would begin before the one before it has ended",
            field="times",
            value=float(gaps.min()),
            limit=f"at least {duration:.4g} s between scans",
            remedy="space the scans out, shorten dwell, line_overhead or energy_change, or use fewer energies",
        )


def _drift(begin: Array, options: MicroscopeOptions, rng: np.random.Generator) -> Array:
    """Return the displacement (time, energy, axis) of the sample in each frame, relative to the first (um)."""
    shape = (*begin.shape, 2)
    steady = (begin - begin[0, 0])[..., None] * np.asarray(options.drift_velocity) / _SECONDS_PER_HOUR
    steps = options.drift_step * rng.standard_normal((begin.size, 2))
    walk = np.cumsum(steps, axis=0).reshape(shape)
    drift = steady + walk + options.jitter * rng.standard_normal(shape)
    return np.asarray(drift - drift[0, 0])


def _expected(scene: Scene, begin: float, energy: float, drift: Array, options: MicroscopeOptions) -> Array:
    """Return the mean number of photons and dark counts that arrive at each pixel of one frame."""
    y, x = scene.grid(options.pixel)
    line = x.size * options.dwell + options.line_overhead
    when = np.asarray(begin + line * (np.arange(y.size) + 0.5), dtype=np.float64)
    exposed = np.where(options.raster_skew, when, when.mean())
    passed = _transmitted(scene, exposed[:, None], energy, y[:, None] - drift[0], x - drift[1], options)
    flux = incident_counts(energy, options) * ring_current(when, options)[:, None] / options.ring_current
    return np.asarray(flux * (passed + options.leakage) + options.dark_counts)


def _transmitted(scene: Scene, when: Array, energy: float, y: Array, x: Array, options: MicroscopeOptions) -> Array:
    """Return the transmission of the particles, averaged over the Gaussian probe."""
    lithiated, delithiated = (float(optical_density_per_nanometre(phase, energy)) for phase in (LIFEPO4, FEPO4))
    offsets, weights = gauss_hermite(options.probe_fwhm / _FWHM_PER_SIGMA, options.probe_nodes)
    total = np.zeros(np.broadcast_shapes(y.shape, x.shape))
    for offset_y, weight_y in zip(offsets, weights, strict=True):
        for offset_x, weight_x in zip(offsets, weights, strict=True):
            thickness, fraction = scene.material(when, y + offset_y, x + offset_x)
            density = thickness * (fraction * lithiated + (1 - fraction) * delithiated)
            total += weight_y * weight_x * np.exp(-density)
    return total


def _detect(mean: Array, options: MicroscopeOptions, rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
    """Return counts as the electronics write them, and where a spike was added."""
    flicker = 1 + options.flicker_pixel * rng.standard_normal(mean.shape)
    flicker = flicker * (1 + options.flicker_line * rng.standard_normal((mean.shape[0], 1)))
    arriving = np.maximum((mean - options.dark_counts) * flicker, 0.0) + options.dark_counts
    if options.dead_time:
        counts = counted(arriving, rng.random(mean.shape), options.dead_time / options.dwell)
    else:
        counts = rng.poisson(arriving).astype(np.float64)
    spike = rng.random(mean.shape) < options.spike_share
    counts = counts + spike * np.ceil(rng.exponential(options.spike_counts, mean.shape))
    return np.minimum(counts, options.saturation if options.saturation is not None else np.inf), spike


def _recording(
    counts: NDArray[np.float32], begin: Array, middle: Array, y: Array, x: Array, options: MicroscopeOptions
) -> xr.Dataset:
    """Return the stage that a reader would make of the files."""
    attrs = {"start_utc": options.start_utc, "origin": "simulation", "format": "virtual STXM"}
    if options.saturation is not None:
        attrs["saturation"] = options.saturation  # type: ignore[assignment]
    return stages.new(
        "recording",
        {
            "counts": ("time energy y x", counts),
            "exposure_mid": ("time energy", middle),
            "dwell": ("time energy", np.full(middle.shape, options.dwell)),
            "ring_current": ("time energy", ring_current(begin, options)),
        },
        coords={
            "time": ("time", (middle[:, 0] + middle[:, -1]) / 2),
            "energy": ("energy", options.energies),
            "y": ("y", y),
            "x": ("x", x),
            "scan": ("time", np.arange(begin.shape[0])),
        },
        attrs=attrs,
    )


def _truth(
    scene: Scene,
    expected: NDArray[np.float32],
    spike: NDArray[np.bool_],
    drift: Array,
    middle: Array,
    options: MicroscopeOptions,
    seed: int,
) -> xr.Dataset:
    """Return the composition at mid-scan with all that the microscope did to it."""
    import xarray as xr

    video = scene.video((middle[:, 0] + middle[:, -1]) / 2, pixel=options.pixel)
    incident = incident_counts(options.energies, options) * ring_current(middle, options) / options.ring_current
    known = xr.Dataset(
        {
            "drift": (("time", "energy", "axis"), drift, {"units": "um"}),
            "incident": (("time", "energy"), incident, {"units": "count"}),
            "exposure_mid": (("time", "energy"), middle, {"units": "s"}),
            "expected_counts": (("time", "energy", "y", "x"), expected, {"units": "count"}),
            "spike": (("time", "energy", "y", "x"), spike),
        },
        coords={"energy": ("energy", list(options.energies), {"units": "eV"}), "axis": ["y", "x"]},
    )
    kept = video[["lithium_fraction", "thickness", "label", "mask"]]
    return kept.merge(known).assign_attrs(origin="simulation", seed=seed, options=options.model_dump_json())
