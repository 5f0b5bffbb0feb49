"""From the counts that a detector wrote to the counts that the sample let through, with their noise.

The order follows the way of a photon backwards. Saturation and lost lines come first, because they are judged on
counts as written and nothing after them may use such pixels. Spikes come before the dead time: they are no photons, and
one of them may be more than any detector with that dead time can count. Dead time comes before the dark counts, which
are pulses that keep the detector busy like any other, and the ring current last: it scales light, not dark counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.frames.correct_detector import Detector, check_rate, dark_counts, detector, light_counts, written_counts
from lithiscope.frames.correct_flags import check_pictures, find_spikes, written_flags
from lithiscope.frames.correct_noise import add_flicker, excess_noise, flicker, noise_ratio, warn_of_scatter
from lithiscope.frames.correct_options import CorrectOptions
from lithiscope.frames.kernels.counts import bright_scatter
from lithiscope.progress import SILENT, Reporter
from lithiscope.stages import blank_fatal, check, flag_bit, new

if TYPE_CHECKING:
    import xarray as xr

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]

_COORDS = ("time", "energy", "y", "x", "scan", "cycle", "half_cycle", "direction")


def correct(
    recording: xr.Dataset,
    *,
    dark: float | np.ndarray | xr.DataArray | xr.Dataset | None = None,
    options: CorrectOptions = CorrectOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Correct counts for the detector and the beam, and state the noise of every pixel.

    In this order: saturated pixels and lines without beam become NaN with a flag, spikes are repaired, dead time is
    undone, dark counts are subtracted and the counts scaled to one ring current. The variance of a pixel is
    ``g max(m, 0) (1 - m d)^2 + read_noise^2`` for m counts as written, g counts per photon and dead share d (Mueller
    1973, Nucl. Instrum. Methods 112, 47), carried through all steps, plus that of the dark counts and
    ``(flicker signal)^2``. Counts of zero and below are kept, though they have no logarithm.

    Parameters
    ----------
    recording : Recording
        Counts, dims (time, energy, y, x).
    dark : float, (Y, X) array or Recording, optional
        Counts without light as the detector writes them in the same dwell: their mean, one picture (with the noise of
        one), or dark frames, which are averaged. Takes the place of the option `dark_counts`. The error of a dark
        picture is the same in all frames.
    options : CorrectOptions
        What the beamline states of detector and beam.
    reporter : Reporter
        Told of the progress.

    Returns
    -------
    Frames(counts)
        ``signal``, ``signal_std`` (counts) and ``signal_flag``, dims (time, energy, y, x); counts that are zero or
        negative once dark counts are off are NaN with the flag no_counts. `attrs` records the noise
        model and, per scan and energy, `excess_noise`, the relative scatter of the brightest pixels beyond counting and
        read noise, and `noise_ratio`, their scatter over `signal_std` (None where too few pixels tell).

    Raises
    ------
    StageError
        If the recording has other dimensions.
    OptionError
        If a correction is asked for that needs a dwell or a ring current, and there is none.
    AnalysisError
        If counts times dead time reach the dwell, if the dark picture does not fit, or if noise is to be measured and
        no frame has enough pixels.

    Warns
    -----
    LithiscopeWarning
        If lines were lost, naming frames and lines; if the brightest pixels scatter over 20 % more than stated.
    """
    check(recording, "recording")
    check_pictures(recording)
    background = dark_counts(recording, options.dark_counts if dark is None else dark, options)
    flag = written_flags(recording, float(background.counts.mean()), options)
    frames = detector(recording, flag, background, options)
    spike = find_spikes(recording, flag, options, reporter) if options.despike else None
    signal, std = np.empty((2, *flag.shape), dtype=np.float32)
    scatter = np.empty((*flag.shape[:2], 4))
    for t in reporter.track(range(flag.shape[0]), label="correcting counts", total=flag.shape[0]):
        frame = Detector(*(part[t] for part in frames))
        raw = np.asarray(recording["counts"][t].values, dtype=float)
        counts, variance = written_counts(raw, flag[t], None if spike is None else spike[t], frame.dead_share, options)
        check_rate(recording, t, counts, frame.dead_share, options)
        picture, spread = light_counts(counts, variance, background, frame)
        scatter[t] = [bright_scatter(*pair) for pair in zip(picture, spread, strict=True)]
        # Resampling would spread a count that is not positive, a dropped reading, over its neighbours.
        with np.errstate(invalid="ignore"):
            flag[t][picture <= 0] |= flag_bit("no_counts")
        signal[t], std[t] = blank_fatal(picture, flag[t]), blank_fatal(np.sqrt(spread), flag[t])
    excess = excess_noise(scatter)
    used = flicker(recording, excess, options)
    add_flicker(std, signal, used)
    ratio = noise_ratio(scatter, used)
    warn_of_scatter(recording, scatter, ratio)
    return new(
        "frames",
        {
            "signal": ("time energy y x", signal),
            "signal_std": ("time energy y x", std),
            "signal_flag": ("time energy y x", flag),
            **{name: _declared(recording, name) for name in ("exposure_mid", "dwell") if name in recording},
            **_ring_current(recording, frames),
        },
        coords={name: _declared(recording, name) for name in _COORDS if name in recording.coords},
        attrs=_notes(excess, ratio, options),
    )


def _declared(data: xr.Dataset, name: str) -> tuple[str, Any]:
    return " ".join(map(str, data[name].dims)), data[name].values


def _ring_current(recording: xr.Dataset, frames: Detector) -> dict[str, tuple[str, Any]]:
    """Return the ring current to which the counts now belong: as recorded, or that to which they were scaled."""
    if "ring_current" not in recording:
        return {}
    recorded = recording["ring_current"].broadcast_like(recording["counts"][:, :, 0, 0]).transpose("time", "energy")
    return {"ring_current": ("time energy", recorded.values * frames.light_scale[..., 0, 0])}


def _notes(excess: FloatArray, ratio: FloatArray, options: CorrectOptions) -> dict[str, Any]:
    return {
        "quantity": "counts",
        "counts_per_photon": options.counts_per_photon,
        "read_noise": options.read_noise,
        "noise": options.noise,
        "flicker": options.flicker,
        "excess_noise": _listed(excess),
        "noise_ratio": _listed(ratio),
    }


def _listed(values: FloatArray) -> list[list[float | None]]:
    return [[round(float(value), 6) if np.isfinite(value) else None for value in scan] for scan in values]
