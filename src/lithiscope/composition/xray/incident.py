"""The counts without sample, I0: from a percentile of the picture, from a blank area, or from a spectrum."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.composition.xray.kernels.incident import bright_mode, quantile_with_error
from lithiscope.composition.xray.options import IncidentOptions
from lithiscope.composition.xray.pictures import FloatArray, axis_values, counts_pictures, gain, image_mask, pictures
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

# How far (eV) the ends of two energy axes may differ by rounding in a file.
_ROUNDING = 1e-3
# Fewer points of an I0 spectrum tell nothing of its scatter.
_FEWEST_POINTS = 12
# A beam that changes by more than this, in ln I0, without its ring has another cause; fewer scans tell no change.
_JUMP, _FEWEST_SCANS = 0.15, 3
# Median of the magnitude of a Gaussian of unit standard deviation.
_MEDIAN_OF_GAUSSIAN = 0.6745


class Incident(NamedTuple):
    """I0 and its standard deviation, dims (time, energy), and how it was found."""

    counts: FloatArray
    std: FloatArray
    notes: Mapping[str, Any]


def compare_incident(
    frames: xr.Dataset | Iterable[xr.Dataset],
    *,
    spectrum: xr.DataArray | None = None,
    blank: Any = None,
    options: IncidentOptions = IncidentOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Find I0 in every way that the arguments allow and put the answers side by side.

    Parameters
    ----------
    frames : Frames(counts) or Recording, or iterable of them
        Counts, dims (time, energy, y, x); a long series in parts along time.
    spectrum : DataArray (energy), optional
        Counts without sample, measured apart; energies in eV.
    blank : (Y, X) bool array, optional
        Where there is no sample.
    options : IncidentOptions
        Also states when two answers disagree.

    Returns
    -------
    Dataset
        ``incident`` and ``incident_std`` (counts), dims (incident_method, time, energy).

    Warns
    -----
    LithiscopeWarning
        Where two ways differ by more than `disagreement_sigma` joint standard deviations and by more than
        `disagreement_density` in ln I0: the picture has no blank area, or the spectrum belongs to another sample.
        Where I0 found in the pictures changes from scan to scan by over 15 % beyond what the ring current does, or
        otherwise at one energy than at the others: a scan without blank area gives the light behind a particle.
    """
    import xarray as xr

    whole = isinstance(frames, xr.Dataset)
    parts, current = [], []
    for part in [frames] if isinstance(frames, xr.Dataset) else frames:
        parts.append(_by_methods(part, spectrum, blank, options, part=not whole))
        shape = parts[-1]["incident"].shape[1:]
        known = part["ring_current"].values.reshape(shape[0], -1) if "ring_current" in part else np.nan
        current.append(np.broadcast_to(known, shape))
    found = parts[0]
    if len(parts) > 1:
        found = xr.concat(parts, "time", data_vars="all", coords="minimal", compat="override", join="override")
    _warn_of_disagreement(found, options)
    for method in (name for name in ("percentile", "blank") if name in found["incident_method"].values):
        _warn_of_jumps(method, found.sel(incident_method=method), np.concatenate(current))
    return found


def _by_methods(frames: xr.Dataset, spectrum: Any, blank: Any, options: IncidentOptions, *, part: bool) -> xr.Dataset:
    import xarray as xr

    check(frames, "frames", "recording")
    methods = ["percentile", *(["blank"] if blank is not None else []), *(["spectrum"] if spectrum is not None else [])]
    found = [
        find_incident(
            frames, spectrum=spectrum, blank=blank, options=options.model_copy(update={"method": method}), part=part
        )
        for method in methods
    ]
    dims = ("incident_method", "time", "energy")  # sel(method=...) is taken by xarray
    return xr.Dataset(
        {
            "incident": (dims, np.stack([one.counts for one in found]), {"units": "count"}),
            "incident_std": (dims, np.stack([one.std for one in found]), {"units": "count"}),
        },
        coords={"incident_method": methods, "time": frames["time"].values, "energy": frames["energy"].values},
    )


def _warn_of_disagreement(found: xr.Dataset, options: IncidentOptions) -> None:
    for one, other in combinations(found["incident_method"].values.tolist(), 2):
        counts, std = (
            [found[name].sel(incident_method=method).values for method in (one, other)]
            for name in ("incident", "incident_std")
        )
        difference = np.log(counts[0] / counts[1])
        joint = np.hypot(std[0] / counts[0], std[1] / counts[1])
        bad = (np.abs(difference) > options.disagreement_sigma * joint) & (
            np.abs(difference) > options.disagreement_density
        )
        if bad.any():
            worst = float(difference.flat[np.nanargmax(np.abs(difference))])
            warnings.warn(
                f"I0 by {one} and by {other} differ by up to {worst:+.3f} in ln I0 at {bad.sum()} of {bad.size} "
                "pictures: one without blank area makes the percentile wrong, one of another day makes the spectrum "
                "wrong",
                LithiscopeWarning,
                stacklevel=3,
            )


def _warn_of_jumps(method: str, found: xr.Dataset, current: FloatArray) -> None:
    """Warn of scans whose I0 cannot be that of the beam, which the ring current drives and which has one spectrum."""
    level = np.log(found["incident"].values)
    if len(level) < _FEWEST_SCANS or not np.isfinite(level).any():
        return
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of scans without any I0
        driven = np.log(np.where(current > 0, current, np.nan))
        beyond = level - np.where(np.isfinite(driven), driven, 0.0) if np.isfinite(driven).any() else level
        beyond = beyond - np.nanmedian(beyond, axis=0)
        # Without a ring current the beam may do what it likes, but alike at all energies.
        if not np.isfinite(driven).any():
            beyond = beyond - np.nanmedian(beyond, axis=1, keepdims=True)
        jumped = np.abs(beyond) > np.maximum(_JUMP, 5 * found["incident_std"].values / found["incident"].values)
    if jumped.any():
        scans = np.flatnonzero(jumped.any(axis=1)).tolist()
        worst = float(beyond.flat[np.nanargmax(np.where(jumped, np.abs(beyond), -np.inf))])
        listed = ", ".join(map(str, scans[:6])) + (f" and {len(scans) - 6} more" if len(scans) > 6 else "")
        than = "the ring current explains" if np.isfinite(driven).any() else "at the other energies"
        warnings.warn(
            f"I0 by {method} is other than {than} by up to {100 * np.expm1(worst):+.0f} % in scan {listed}: a scan "
            "without blank area has the light behind a particle for I0; mark a blank area (incident.blank), give a "
            "spectrum of the beam (incident.spectrum), or leave these scans out",
            LithiscopeWarning,
            stacklevel=3,
        )


def find_incident(
    frames: xr.Dataset, *, spectrum: xr.DataArray | None, blank: Any, options: IncidentOptions, part: bool = False
) -> Incident:
    """Find I0 by the method of the options; NaN in pictures where too few pixels hold counts.

    In a part of a series these may be all pictures.

    Raises
    ------
    OptionError
        If the method needs a spectrum or a mask that was not given.
    AnalysisError
        If mask or spectrum cannot be used.
    """
    method = options.method
    if method == "auto":
        method = "spectrum" if spectrum is not None else "blank" if blank is not None else "percentile"
    if method == "spectrum":
        return _from_spectrum(frames, _given(spectrum, "spectrum"), options)
    if method == "blank":
        return _from_blank(frames, image_mask(_given(blank, "blank"), frames, field="blank"), options, part)
    return _from_percentile(frames, options, part)


def _given(argument: Any, name: str) -> Any:
    if argument is None:
        raise OptionError(
            f"I0 by {name} was asked for, but none was given",
            field="method",
            value=name,
            remedy=f"pass {name}= (incident.{name} in a recipe), or choose another method",
        )
    return argument


def _from_spectrum(frames: xr.Dataset, spectrum: xr.DataArray, options: IncidentOptions) -> Incident:
    counts = interpolated(spectrum, axis_values(frames, "energy"), field="spectrum")
    if not np.all(counts > 0):
        raise AnalysisError(
            "the incident spectrum is not positive",
            field="spectrum",
            value=float(np.min(counts)),
            limit="above 0 at every energy of the data",
            remedy="look for dropped points in the spectrum",
        )
    every = np.broadcast_to(counts, (frames.sizes["time"], counts.size)).copy()
    if options.spectrum_ring_current is not None:
        every *= _ring_current(frames, every.shape) / options.spectrum_ring_current
    stated = options.spectrum_relative_std
    relative = _scatter(spectrum) if stated is None else stated
    notes = {
        "incident_method": "spectrum",
        "spectrum_relative_std": relative,
        "spectrum_std_stated": stated is not None,
    }
    return Incident(every, relative * every, notes)


def _scatter(spectrum: xr.DataArray) -> float:
    """Return the relative scatter of a spectrum about a smooth curve, from its second differences.

    White noise of standard deviation s gives second differences of standard deviation sqrt(6) s; the median makes
    it robust against edges. Too few points tell nothing: 0, and ``spectrum_std_stated`` is False.
    """
    values = np.asarray(spectrum.sortby("energy").values, dtype=float)
    if values.size < _FEWEST_POINTS:
        return 0.0
    bend = np.abs(np.diff(np.log(values), 2))
    return float(np.median(bend) / (_MEDIAN_OF_GAUSSIAN * np.sqrt(6)))


def _ring_current(frames: xr.Dataset, shape: tuple[int, ...]) -> FloatArray:
    if "ring_current" not in frames:
        raise AnalysisError(
            "the data do not hold the ring current",
            field="spectrum_ring_current",
            remedy="leave the option out: the files do not say what the ring current was",
        )
    current = np.array(np.broadcast_to(frames["ring_current"].values.reshape(shape[0], -1), shape))
    name = "counts" if frames.attrs["stage"] == "recording" else "signal"
    lost = ~(current > 0)
    bad = lost & np.isfinite(frames[name].values).any(axis=(2, 3))
    if bad.any():
        raise AnalysisError(
            "the ring current of pictures is missing or not positive",
            field="spectrum_ring_current",
            value=", ".join(f"scan {t} at {axis_values(frames, 'energy')[k]:g} eV" for t, k in np.argwhere(bad)[:4]),
            limit="above 0 in every picture that was measured",
            remedy="leave the option out, or leave these scans out",
        )
    return np.where(lost, np.nan, current)


def interpolated(spectrum: xr.DataArray, energies: FloatArray, *, field: str, offset: float = 0.0) -> FloatArray:
    """Return a spectrum at the energies of the data, linearly interpolated; never beyond its ends.

    Parameters
    ----------
    spectrum : DataArray (energy)
        Values over energy (eV).
    energies : (K,) array
        Where they are wanted, eV.
    field : str
        Name of the spectrum, for the message.
    offset : float
        eV added to the energies of the spectrum.

    Raises
    ------
    AnalysisError
        If the spectrum has no energy axis, holds a value that is not finite, repeats an energy, or does not reach
        as far as the data.
    """
    if spectrum.dims != ("energy",) or "energy" not in spectrum.coords:
        raise AnalysisError(
            "a spectrum needs one dimension",
            field=field,
            value=spectrum.dims,
            limit="(energy)",
            remedy="give one spectrum, intensity against energy",
        )
    ordered = spectrum.sortby("energy")
    axis, values = np.asarray(ordered["energy"].values, float) + offset, np.asarray(ordered.values, float)
    if not (np.all(np.isfinite(values)) and np.all(np.diff(axis) > 0)):
        raise AnalysisError(
            "a spectrum has a value that is not finite, or an energy twice",
            field=field,
            remedy="remove that point from the file",
        )
    if energies.min() < axis[0] - _ROUNDING or energies.max() > axis[-1] + _ROUNDING:
        raise AnalysisError(
            "a spectrum does not cover the energies of the data",
            field=field,
            value=f"{axis[0]:g} to {axis[-1]:g} eV",
            limit=f"{energies.min():g} to {energies.max():g} eV",
            remedy="give a longer spectrum or use fewer energies",
        )
    return np.asarray(np.interp(energies, axis, values))


def _from_blank(frames: xr.Dataset, mask: np.ndarray, options: IncidentOptions, part: bool) -> Incident:
    if np.count_nonzero(mask) < options.minimum_blank_pixels:
        raise AnalysisError(
            "the blank mask has too few pixels",
            field="blank",
            value=np.count_nonzero(mask),
            limit=f"at least {options.minimum_blank_pixels}",
            remedy="draw a larger blank area or lower minimum_blank_pixels",
        )
    counts = _counts(frames, options)
    chosen = np.where(np.isfinite(counts), mask, False)
    number = chosen.sum(axis=(2, 3))
    enough = number >= options.minimum_blank_pixels
    _warn_of_pictures_without(enough, frames, part)
    mean, spread = np.full((2, *number.shape), np.nan)
    for t, k in np.argwhere(enough):
        blank = np.asarray(counts[t, k][chosen[t, k]], dtype=float)
        mean[t, k], spread[t, k] = blank.mean(), blank.std(ddof=1)
    _require_positive(mean, "blank")
    # Resampled neighbours share counts; the native spread is what averages down.
    std = spread / gain(frames) / np.sqrt(np.maximum(number, 1))
    return Incident(mean, std, {"incident_method": "blank", "blank_pixels": int(number.min())})


def _from_percentile(frames: xr.Dataset, options: IncidentOptions, part: bool) -> Incident:
    counts = _counts(frames, options)
    noise_gain = gain(frames)
    enough = np.isfinite(counts).sum(axis=(2, 3)) >= 2 * options.minimum_blank_pixels
    _warn_of_pictures_without(enough, frames, part)
    value, std = np.full((2, *counts.shape[:2]), np.nan)
    shares = []
    for t in np.flatnonzero(enough.any(axis=1)):
        first = int(np.flatnonzero(enough[t])[0])  # the lowest energy with counts: the least material shows there
        share = _blank_share(_finite(counts[t, first]), options)
        shares.append(share)
        middle = 1 - share / 2 if options.percentile is None else options.percentile / 100
        for k in np.flatnonzero(enough[t]):
            value[t, k], std[t, k] = quantile_with_error(
                _finite(counts[t, k]), middle, options.percentile_window / 100, share
            )
    _require_positive(value, "percentile")
    notes: dict[str, Any] = {"incident_method": "percentile", "blank_share": [round(share, 4) for share in shares]}
    if options.percentile is not None:
        notes["incident_percentile"] = options.percentile
    return Incident(value, std / noise_gain, notes)


def _blank_share(picture: FloatArray, options: IncidentOptions) -> float:
    noise = float(np.sqrt(options.counts_per_photon * max(float(np.quantile(picture, 0.99)), 1.0)))
    return bright_mode(picture, noise, options.minimum_blank_pixels)[1]


def _finite(picture: FloatArray) -> FloatArray:
    return np.asarray(picture[np.isfinite(picture)], dtype=float)


def _warn_of_pictures_without(enough: np.ndarray, frames: xr.Dataset, part: bool) -> None:
    """Say in which pictures too few pixels hold counts for an I0; they come out as NaN."""
    if enough.all():
        return
    if not (enough.any() or part):
        raise AnalysisError(
            "no picture has enough pixels to find I0 in it", field="counts", remedy="give a spectrum, or other scans"
        )
    energies = axis_values(frames, "energy")
    scans = frames["scan"].values if "scan" in frames.coords else np.arange(len(enough))
    lost = [f"scan {scans[t]} at {energies[k]:g} eV" for t, k in np.argwhere(~enough)]
    shown = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
    warnings.warn(f"no I0 where too few pixels hold counts: {shown}", LithiscopeWarning, stacklevel=4)


def _require_positive(incident: FloatArray, field: str) -> None:
    if np.any(incident <= 0):
        raise AnalysisError(
            "I0 is not positive",
            field=field,
            value=float(np.nanmin(incident)),
            limit="above 0 counts",
            remedy="check the dark correction and the blank area",
        )


def _counts(frames: xr.Dataset, options: IncidentOptions) -> FloatArray:
    """Return the counts, NaN where the detector was saturated."""
    if frames.attrs["stage"] == "recording":
        values = counts_pictures(frames).values
    else:
        values = pictures(frames, quantity="counts").values
    saturation = options.saturation or frames.attrs.get("saturation")
    with np.errstate(invalid="ignore"):
        return values if saturation is None else np.where(values >= saturation, np.nan, values)
