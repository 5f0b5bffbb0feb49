"""A picture in which lithiation does not show, for registration: only drift moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.composition.xray.model import lithium_rows, references_on
from lithiscope.composition.xray.options import InvariantOptions, UnmixOptions
from lithiscope.composition.xray.pictures import FloatArray, axis_values, coordinates, frame_std, gain, pictures
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.stages import blank_fatal, fatal_mask, new

if TYPE_CHECKING:
    import xarray as xr


def invariant_image(
    od: xr.Dataset,
    *,
    references: xr.Dataset | None = None,
    options: InvariantOptions = InvariantOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Combine the energies of each scan into one picture that does not change with lithium.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x); may be provisional.
    references : References, optional
        Needed by the modes `isosbestic` and `amount`.
    options : InvariantOptions
        The mode.

    Returns
    -------
    Frames(invariant)
        ``signal``, ``signal_std``, ``signal_flag`` (time, y, x), ``signal_frame_std`` (time); the weights of the
        energies in ``attrs["energy_weights"]``. NaN where an energy with a weight is missing.

    Raises
    ------
    OptionError
        If the mode needs references that were not given.
    AnalysisError
        If no combination of the energies is blind to lithium and still sees the material.
    """
    data = pictures(od, quantity="optical_density")
    weights = _weights(od, references, options)
    used = np.flatnonzero(weights)
    flag = np.asarray(np.bitwise_or.reduce(data.flag[:, used], axis=1))
    picture = np.einsum("k,tkyx->tyx", weights[used], np.where(fatal_mask(data.flag), 0, data.values)[:, used])
    std = None
    if data.std is not None:
        std = np.sqrt(np.einsum("k,tkyx->tyx", weights[used] ** 2, np.square(data.std[:, used], dtype=float)))
        std = blank_fatal(std, flag)
    variables = {
        "signal": ("time y x", blank_fatal(picture, flag)),
        "signal_flag": ("time y x", flag),
        "signal_frame_std": ("time", np.sqrt(np.square(frame_std(od)) @ np.square(weights))),
        "noise_gain": ("time", np.sqrt(np.square(gain(od)[:, used]) @ np.square(weights[used]) / np.sum(weights**2))),
    }
    if std is not None:
        variables["signal_std"] = ("time y x", std)
    return new(
        "frames",
        variables,
        coords=coordinates(od),
        attrs={"quantity": "invariant", "invariant_mode": options.mode, "energy_weights": weights.tolist()},
    )


def _weights(od: xr.Dataset, references: xr.Dataset | None, options: InvariantOptions) -> FloatArray:
    energies = axis_values(od, "energy")
    if options.mode == "pre_edge":
        below = energies <= (energies.min() if options.pre_edge_below is None else options.pre_edge_below)
        if not below.any():
            raise AnalysisError(
                "no energy lies before the edge",
                field="pre_edge_below",
                value=options.pre_edge_below,
                limit=f"above {energies.min():g} eV",
                remedy="raise pre_edge_below, or measure an energy before the edge",
            )
        return np.asarray(below / below.sum())
    if references is None:
        raise OptionError(
            "this invariant picture needs references",
            field="mode",
            value=options.mode,
            remedy="pass references=, or use mode='pre_edge' (align.invariant.mode in a recipe)",
        )
    if options.mode == "amount":
        unmix = UnmixOptions(mode="general", weighting="none", offset=options.offset)
        return np.asarray(lithium_rows(energies, references, options=unmix)[1])
    return _isosbestic(references_on(references, energies), references["lithium_content"].values)


def _isosbestic(reference: FloatArray, content: FloatArray) -> FloatArray:
    """Return the least noisy weights w with w.(r1 - r0) = 0 for all references with lithium, and w.mean(r) = 1."""
    spectra = reference[np.isfinite(content)]
    mean = spectra.mean(axis=0)
    differences = spectra[1:] - spectra[0]
    direction = mean - differences.T @ np.linalg.lstsq(differences.T, mean, rcond=None)[0]
    seen = float(direction @ mean)
    if seen < 1e-6 * float(mean @ mean):
        raise AnalysisError(
            "no combination of these energies is blind to lithium and still sees the material",
            field="references",
            remedy="use mode='pre_edge', or measure one more energy",
        )
    return np.asarray(direction / seen)
