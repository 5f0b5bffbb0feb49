"""What the checks of the STXM path share: a still microscope, exact references, recordings without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.composition import xray
from lithiscope.instruments.stxm import Acquisition, Scene, reference_spectra

if TYPE_CHECKING:
    import xarray as xr

ENERGIES = (703.0, 706.0, 713.0)

STILL: dict[str, Any] = {
    "drift_velocity": (0.0, 0.0),
    "drift_step": 0.0,
    "jitter": 0.0,
    "flicker_pixel": 0.0,
    "dark_counts": 0.0,
    "ring_lifetime": 1e12,
}
"""Options of a microscope without drift, flicker, dark counts and decay of the beam."""


def references(*, lithiated: float = 1.0, delithiated: float = 0.0) -> xr.Dataset:
    """Return the stage `references` from the model spectra of 150 nm, of a stated purity but taken for pure."""
    spectra = reference_spectra(ENERGIES, lithiated=lithiated, delithiated=delithiated)
    return xray.references_from_spectra(
        {str(name): spectra.sel(component=name, drop=True) for name in spectra["component"].values},
        list(ENERGIES),
        lithium_content={"LiFePO4": 1.0, "FePO4": 0.0},
        source="analytic model, 150 nm",
    )


def noiseless(acquisition: Acquisition) -> xr.Dataset:
    """Return the recording with the mean counts in place of those drawn."""
    recording = acquisition.recording.copy()
    counts = recording["counts"]
    recording["counts"] = (counts.dims, acquisition.truth["expected_counts"].values, counts.attrs)
    return recording


def labels(scene: Scene, *, pixel: float = 0.05, offset: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.int32]:
    """Return the number of the platelet at each pixel, 0 beside them, in pictures where the scene lies off (um)."""
    y, x = scene.grid(pixel)
    return scene.label((y - offset[0])[:, None], x - offset[1])


def interior(scene: Scene, *, pixel: float = 0.05, offset: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.int32]:
    """Return `labels` without the pixels that the rim, or the probe's blur of it, reaches.

    Four standard deviations of the rim from the edge, so that a pixel has the full thickness and one composition.
    """
    y, x = scene.grid(pixel)
    label = labels(scene, pixel=pixel, offset=offset)
    nominal = np.array([np.inf, *(platelet.thickness for platelet in scene.platelets)])
    thickness = scene.thickness((y - offset[0])[:, None], x - offset[1])
    return np.where(thickness > 0.9999 * nominal[label], label, 0).astype(np.int32)
