"""Error bars and bias of the lithium fraction: three platelets held at x = 0, 0.5 and 1, scanned again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope.composition import xray
from lithiscope.frames import CorrectOptions, correct, resample
from lithiscope.instruments.stxm import MicroscopeOptions, Scene, acquire, hold, reference_spectra, three_platelets
from lithiscope.particles import particle_table
from lithiscope.studies.alignment import align
from lithiscope.studies.recipe import AlignSection
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.stxm_scene import ENERGIES, interior, labels, references

if TYPE_CHECKING:
    import xarray as xr

_SCANS = 32
_SERIES = 4
_INTERVAL = 120.0


class Held(NamedTuple):
    """Results of scans of platelets that do not change.

    Parameters
    ----------
    error, predicted : ndarray, shape (N,)
        Measured less true lithium fraction of every pixel inside the platelets and every scan, and its stated random
        standard deviation. Pixels that drifted out of the field are left out.
    means, means_std : ndarray, shape (particles, scans)
        Error of the mean of each particle and scan, and its standard deviation from counting, I0 included.
    """

    error: NDArray[np.float64]
    predicted: NDArray[np.float64]
    means: NDArray[np.float64]
    means_std: NDArray[np.float64]


def noise_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on error bars and bias, before and after resampling; `everything` scans four series each."""
    for drifts in (False, True):
        for number, x in enumerate((0.0, 0.5, 1.0)):
            seeds = range(10 * number, 10 * number + (_SERIES if everything else 1))
            series = [_held(x, _SCANS, drifts=drifts, seed=seed) for seed in seeds]
            pooled = Held(*(np.concatenate(parts, axis=-1) for parts in zip(*series, strict=True)))
            yield from _rows(
                f"x = {x:g}, {'aligned and resampled' if drifts else 'not resampled'}, {_stated()}", pooled
            )


def _stated() -> str:
    """Return what the virtual experiment is like, for the claim."""
    options = MicroscopeOptions()
    spectra = reference_spectra(ENERGIES).values
    densities = "/".join(f"{value:.2f}" for value in spectra[:, 1:].ravel())
    return (
        f"references {densities} at 706/713 eV (pre-edge {spectra[0, 0]:.3f}), {options.incident_photons:g} photons, "
        f"transmission {options.transmission}, efficiency {options.efficiency}, flicker {options.flicker_pixel:.0%}"
    )


def _held(x: float, scans: int, *, drifts: bool, seed: int) -> Held:
    scene = three_platelets("uniform", protocol=hold(x))
    options = (
        MicroscopeOptions() if drifts else MicroscopeOptions(drift_velocity=(0.0, 0.0), drift_step=0.0, jitter=0.0)
    )
    recording, truth = acquire(scene, _INTERVAL * np.arange(scans), options=options, seed=seed)
    known = CorrectOptions(flicker=options.flicker_pixel, dark_counts=options.dark_counts)
    frames, offset = correct(recording, options=known), (0.0, 0.0)
    if drifts:
        alignment = align(xray.optical_density(frames), options=AlignSection())
        away = (truth["drift"] - alignment["shift"]).mean(("time", "energy"))
        offset = (float(away.sel(axis="y")), float(away.sel(axis="x")))
        frames = resample(frames, alignment)
    density = xray.optical_density(frames, blank=_blank(scene, frames))
    return _compared(xray.lithium_fraction(density, references()), scene, offset, x)


def _blank(scene: Scene, frames: xr.Dataset) -> NDArray[np.bool_]:
    """Return where no platelet comes, whatever the drift, and every frame has a value."""
    from scipy.ndimage import binary_dilation

    measured = np.isfinite(frames["signal"].values).all(axis=(0, 1))
    return np.asarray(measured & ~binary_dilation(labels(scene) > 0, iterations=6))


def _compared(video: xr.Dataset, scene: Scene, offset: tuple[float, float], x: float) -> Held:
    import xarray as xr

    inside = interior(scene, offset=offset) > 0
    found, predicted = (video[f"lithium_fraction{end}"].values.astype(float)[:, inside] for end in ("", "_std"))
    there = np.isfinite(found)
    label = xr.DataArray(labels(scene, offset=offset), dims=("y", "x"), coords={"y": video["y"], "x": video["x"]})
    table = particle_table(video, label)
    random, common = table["lithium_fraction_std"].values, table["lithium_fraction_frame_std"].values
    return Held(found[there] - x, predicted[there], table["lithium_fraction"].values - x, np.hypot(random, common))


def _rows(what: str, held: Held) -> Iterator[Row]:
    pull, number = held.error / held.predicted, held.error.size
    yield compare(
        f"empirical over predicted sigma of x, {what}",
        "counting statistics: var(OD) = 1/N",
        1.0,
        float(np.sqrt(np.mean(np.square(held.error)) / np.mean(np.square(held.predicted)))),
        within=0.05,
        because=f"{number} pixels know a standard deviation to {1 / np.sqrt(2 * number):.2%}",
    )
    for share, limit, tolerance in ((0.6827, 1.0, 0.03), (0.95, 1.96, 0.02)):
        spread = np.sqrt(share * (1 - share) / number)
        yield compare(
            f"share of pixels inside {limit:g} sigma, {what}",
            "normal distribution",
            share,
            float(np.mean(np.abs(pull) < limit)),
            within=tolerance,
            because=f"{number} pixels know a share to {spread:.2%}",
        )
    bias = held.means.mean(axis=1)
    worst = int(np.abs(bias).argmax())
    bias_std = float(np.sqrt(np.mean(np.square(held.means_std[worst])) / held.means.shape[1]))
    yield compare(
        f"bias of the mean of the worst of three particles, {what}",
        "unconstrained solve, mean weighted by a + b",
        0.0,
        float(bias[worst]),
        within=0.003,
        because=f"counting, I0 included, leaves {bias_std:.1e}",
    )
