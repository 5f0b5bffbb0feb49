"""Error bars and bias of the lithium fraction: three platelets held at x = 0, 0.5 and 1, scanned again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope.composition import xray
from lithiscope.instruments.stxm import MicroscopeOptions, acquire, hold, reference_spectra, three_platelets
from lithiscope.particles import particle_table
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.stxm_scene import ENERGIES, STILL, interior, references

if TYPE_CHECKING:
    import xarray as xr

_SCANS = 16
_EVERYTHING = 64
_INTERVAL = 120.0


class Held(NamedTuple):
    """Results of scans of platelets that do not change.

    Parameters
    ----------
    error, predicted : ndarray, shape (scans, pixels)
        Measured less true lithium fraction, and its stated random standard deviation, inside the platelets.
    bias : float
        The worst platelet's mean error over all scans.
    bias_std : float
        Its standard deviation from counting.
    """

    error: NDArray[np.float64]
    predicted: NDArray[np.float64]
    bias: float
    bias_std: float


def noise_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on error bars and bias."""
    scans = _EVERYTHING if everything else _SCANS
    for number, x in enumerate((0.0, 0.5, 1.0)):
        yield from _rows(f"x = {x:g}, {_stated()}", _held(x, scans, seed=10 + number))


def _stated() -> str:
    """Return what the virtual experiment is like, for the claim."""
    options = MicroscopeOptions()
    spectra = reference_spectra(ENERGIES).values
    densities = "/".join(f"{value:.2f}" for value in spectra[:, 1:].ravel())
    return (
        f"references {densities} at 706/713 eV (pre-edge {spectra[0, 0]:.3f}), {options.incident_photons:g} photons, "
        f"transmission {options.transmission}, efficiency {options.efficiency}, no flicker"
    )


def _held(x: float, scans: int, *, seed: int) -> Held:
    scene = three_platelets("uniform", protocol=hold(x))
    recording, truth = acquire(scene, _INTERVAL * np.arange(scans), options=MicroscopeOptions(**STILL), seed=seed)
    density = xray.optical_density(recording, blank=truth["thickness"].values < 1e-3)
    return _compared(xray.lithium_fraction(density, references()), truth, interior(scene) > 0, x)


def _compared(video: xr.Dataset, truth: xr.Dataset, inside: NDArray[np.bool_], x: float) -> Held:
    found = video["lithium_fraction"].values.astype(float)[:, inside]
    predicted = video["lithium_fraction_std"].values.astype(float)[:, inside]
    table = particle_table(video, truth["label"])
    means = table["lithium_fraction"].values - x
    worst = int(np.abs(means.mean(axis=1)).argmax())
    std = float(table["lithium_fraction_std"].values[worst].mean() / np.sqrt(means.shape[1]))
    return Held(found - x, predicted, float(means[worst].mean()), std)


def _rows(what: str, held: Held) -> Iterator[Row]:
    pull = held.error / held.predicted
    number = int(np.isfinite(pull).sum())
    pull = pull[np.isfinite(pull)]
    yield compare(
        f"empirical over predicted sigma of x, {what}",
        "counting statistics: var(OD) = 1/N",
        1.0,
        float(np.sqrt(np.mean(np.square(held.error[np.isfinite(held.error)])) / np.mean(np.square(held.predicted)))),
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
    yield compare(
        f"bias of the mean of the worst of three particles, {what}",
        "unconstrained solve, mean weighted by a + b",
        0.0,
        held.bias,
        within=0.003,
        because=f"counting leaves {held.bias_std:.1e}",
    )
