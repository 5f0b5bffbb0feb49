"""From the counts that a detector wrote to the counts that the sample let through, with their noise.

The order follows the way of a photon backwards. Saturation and lost lines come first, because they are judged on
counts as written and nothing after them may use such pixels. Spikes come before the dead time: they are no photons, and
one of them may be more than any detector with that dead time can count. Dead time comes before the dark counts, which
are pulses that keep the detector busy like any other, and the ring current last: it scales light, not dark counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.frames.correct_detector import (
    Dark,
    Detector,
    Seen,
    check_rate,
    dark_counts,
    detector,
    light_counts,
    written_counts,
)
from lithiscope.frames.correct_flags import Judged, check_pictures, judge, scans_as_written
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
        If counts times dead time reach the dwell, if the dark picture does not fit, if dark counts leave nothing of
        all counts, or if noise is to be measured and no frame has enough pixels.

    Warns
    -----
    LithiscopeWarning
        If lines were lost, naming frames and lines; if the brightest pixels scatter over 20 % more than stated.
    """
    (whole,) = correct_parts(
        recording, [slice(0, recording.sizes.get("time", 0))], dark=dark, options=options, reporter=reporter
    )
    return whole


def correct_parts(
    recording: xr.Dataset,
    spans: Sequence[slice],
    *,
    dark: float | np.ndarray | xr.DataArray | xr.Dataset | None = None,
    options: CorrectOptions = CorrectOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> Iterator[xr.Dataset]:
    """Yield the result of `correct` in parts along time, with a few scans in memory at once.

    Saturation, lost lines and, where it is measured, flicker are those of the whole series: it is read twice, once more
    where no saturation is stated, and once more where flicker is measured.

    Parameters
    ----------
    recording : Recording
        Its counts may be read when they are needed.
    spans : sequence of slice
        The parts along time, which together are the whole series in its order.
    dark, options, reporter
        As of `correct`, like all that is raised and warned of.
    """
    check(recording, "recording")
    check_pictures(recording)
    series = _Series(recording, dark_counts(recording, options.dark_counts if dark is None else dark, options), options)
    total = recording.sizes["time"]
    measured = None
    if options.noise == "measured" and len(spans) > 1:
        looked = reporter.track(series.corrected(), label="measuring flicker", total=total)
        measured = flicker(recording, excess_noise(np.array([scan.scatter for scan in looked])), options)
    scans = iter(reporter.track(series.corrected(), label="correcting counts", total=total))
    scatters, ratios = [], []
    for span in spans:
        part = islice(scans, span.stop - span.start)
        signal, std, flag, scatter = (np.stack(arrays) for arrays in zip(*part, strict=True))
        used = flicker(recording, excess_noise(scatter), options) if measured is None else measured[span]
        add_flicker(std, signal, used)
        scatters.append(scatter)
        ratios.append(noise_ratio(scatter, used))
        yield series.part(span, signal, std, flag, _notes(excess_noise(scatter), ratios[-1], options))
    next(scans, None)  # that was all: the progress ends
    warn_of_scatter(recording, np.concatenate(scatters), np.concatenate(ratios))


def joined_notes(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the attributes of the whole series from those of the parts that `correct_parts` makes."""
    lists = {name: [scan for part in found for scan in part[name]] for name in ("excess_noise", "noise_ratio")}
    return {**found[0], **lists}


class _Corrected(NamedTuple):
    """One scan: counts that light made, their standard deviation without flicker, flags, and `bright_scatter`."""

    signal: np.ndarray
    std: np.ndarray
    flag: np.ndarray
    scatter: FloatArray


class _Series:
    """A recording with all that is known before its scans are corrected one by one."""

    def __init__(self, recording: xr.Dataset, background: Dark, options: CorrectOptions) -> None:
        self.recording, self.background, self.options = recording, background, options
        self.judged: Judged = judge(recording, float(background.counts.mean()), options)
        self.frames: Detector = detector(recording, self.judged.empty, background, options)
        self._seen = Seen()

    def corrected(self) -> Iterator[_Corrected]:
        """Yield the scans one after the other."""
        last = self.recording.sizes["time"] - 1
        for t, (raw, flag, spike) in enumerate(scans_as_written(self.recording, self.judged, self.options)):
            frame = Detector(*(part[t] for part in self.frames))
            counts, variance = written_counts(raw, flag, spike, frame.dead_share, self.options)
            check_rate(self.recording, t, counts, frame.dead_share, self.options)
            picture, spread = light_counts(counts, variance, self.background, frame)
            self._seen.add(counts, picture, spread)
            if t == last:
                self._seen.refuse_dark(self.background)
            scatter = np.array([bright_scatter(*pair) for pair in zip(picture, spread, strict=True)])
            # Resampling would spread a count that is not positive, a dropped reading, over its neighbours.
            with np.errstate(invalid="ignore"):
                flag[picture <= 0] |= flag_bit("no_counts")
            signal, std = (blank_fatal(values, flag).astype(np.float32) for values in (picture, np.sqrt(spread)))
            yield _Corrected(signal, std, flag, scatter)

    def part(
        self, span: slice, signal: np.ndarray, std: np.ndarray, flag: np.ndarray, notes: Mapping[str, Any]
    ) -> xr.Dataset:
        """Return some scans as frames."""
        own = self.recording.isel(time=span)
        return new(
            "frames",
            {
                "signal": ("time energy y x", signal),
                "signal_std": ("time energy y x", std),
                "signal_flag": ("time energy y x", flag),
                **{name: _declared(own, name) for name in ("exposure_mid", "dwell") if name in own},
                **_ring_current(own, self.frames.light_scale[span, :, 0, 0]),
            },
            coords={name: _declared(own, name) for name in _COORDS if name in own.coords},
            attrs=dict(notes),
        )


def _declared(data: xr.Dataset, name: str) -> tuple[str, Any]:
    return " ".join(map(str, data[name].dims)), data[name].values


def _ring_current(recording: xr.Dataset, light_scale: FloatArray) -> dict[str, tuple[str, Any]]:
    """Return the ring current to which the counts now belong: as recorded, or that to which they were scaled."""
    if "ring_current" not in recording:
        return {}
    recorded = recording["ring_current"].broadcast_like(recording["counts"][:, :, 0, 0]).transpose("time", "energy")
    return {"ring_current": ("time energy", recorded.values * light_scale)}


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
