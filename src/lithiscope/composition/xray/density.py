"""From counts to optical density, with the random error of the pixel and the error of I0 apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.composition.xray.incident import find_incident
from lithiscope.composition.xray.kernels.density import density, density_variance
from lithiscope.composition.xray.options import IncidentOptions
from lithiscope.composition.xray.pictures import Pictures, carried, coordinates, counts_pictures, pictures
from lithiscope.errors import AnalysisError
from lithiscope.stages import blank_fatal, check, fatal_mask, flag_bit, new

if TYPE_CHECKING:
    import xarray as xr


def optical_density(
    frames: xr.Dataset,
    *,
    spectrum: xr.DataArray | None = None,
    blank: Any = None,
    part: bool = False,
    options: IncidentOptions = IncidentOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Turn counts into optical density, OD = -ln(I/I0) (Lim 2016, eq. S1).

    The random variance of a pixel is var(I)/I^2; without a stated noise that is Poisson's g/I. The error of I0 is
    common to the picture and goes to ``signal_frame_std``, in units of ln I0.

    Parameters
    ----------
    frames : Frames(counts) or Recording
        Counts, dims (time, energy, y, x).
    spectrum : DataArray (energy), optional
        Counts without sample, measured apart; energies in eV.
    blank : (Y, X) bool array, optional
        Where there is no sample.
    part : bool
        Whether these are a part of a series: then all of its pictures may lack an I0.
    options : IncidentOptions
        How I0 is found, and what is flagged.

    Returns
    -------
    Frames(optical_density)
        ``signal``, ``signal_std``, ``signal_flag`` (time, energy, y, x); ``signal_frame_std``, ``incident`` and
        ``incident_std`` (time, energy). NaN with a flag where counts are missing, not positive or
        saturated, and in pictures without an I0.

    Raises
    ------
    StageError
        If the data are not counts at several energies.
    AnalysisError
        If I0 cannot be found as asked: too small a mask, a spectrum that is too short or not positive.
    """
    check(frames, "frames", "recording")
    if frames.sizes.get("energy") == 0 or frames.sizes.get("time") == 0:
        raise AnalysisError("there are no pictures", field="energy", value=0, limit="at least one")
    raw = counts_pictures(frames) if frames.attrs["stage"] == "recording" else pictures(frames, quantity="counts")
    incident = find_incident(frames, spectrum=spectrum, blank=blank, options=options, part=part)
    saturation = options.saturation or frames.attrs.get("saturation")
    flag = _flags_of_counts(raw, options, saturation)
    flag[np.isnan(incident.counts)] |= flag_bit("missing")
    od, std = _densities(raw, incident.counts, options.counts_per_photon)
    with np.errstate(invalid="ignore"):
        flag[(od > options.opaque_above) & ~fatal_mask(flag)] |= flag_bit("opaque")
    return new(
        "frames",
        {
            "signal": ("time energy y x", blank_fatal(od, flag)),
            "signal_std": ("time energy y x", blank_fatal(std, flag)),
            "signal_flag": ("time energy y x", flag),
            "signal_frame_std": ("time energy", incident.std / incident.counts),
            "incident": ("time energy", incident.counts),
            "incident_std": ("time energy", incident.std),
            **carried(frames, "exposure_mid", "dwell", "noise_gain"),
        },
        coords=coordinates(frames, "energy"),
        attrs={"quantity": "optical_density", "counts_per_photon": options.counts_per_photon, **incident.notes},
    )


def _flags_of_counts(raw: Pictures, options: IncidentOptions, saturation: float | None) -> np.ndarray:
    flag = raw.flag.astype(np.uint16)
    with np.errstate(invalid="ignore"):
        flag[raw.values <= 0] |= flag_bit("no_counts")
        flag[(raw.values > 0) & (raw.values < options.few_counts * options.counts_per_photon)] |= flag_bit("few_counts")
        if saturation is not None:
            flag[raw.values >= saturation] |= flag_bit("saturated")
    flag[~np.isfinite(raw.values) & ~fatal_mask(flag)] |= flag_bit("missing")
    return flag


def _densities(raw: Pictures, incident: np.ndarray, counts_per_photon: float) -> tuple[np.ndarray, np.ndarray]:
    times, energies, *image = raw.values.shape
    od, std = np.empty((2, *raw.values.shape), dtype=np.float32)
    for t in range(times):
        counts = raw.values[t].reshape(energies, -1)
        variance = counts_per_photon if raw.std is None else np.square(raw.std[t].reshape(energies, -1), dtype=float)
        od[t] = density(counts, incident[t]).reshape(energies, *image)
        with np.errstate(invalid="ignore"):
            std[t] = np.sqrt(density_variance(counts, variance)).reshape(energies, *image)
    return od, std
