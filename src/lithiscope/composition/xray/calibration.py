"""The energy axis of one beamline against that of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.composition.xray.pictures import FloatArray
from lithiscope.errors import AnalysisError

if TYPE_CHECKING:
    import xarray as xr


class EnergyCalibration(NamedTuple):
    """The shift of an energy axis, eV, and how well the spectra agree after it.

    `offset` is to be added to the energies of the measured spectrum; `residual_rms` is over the fitted amplitude.
    """

    offset: float
    offset_std: float
    amplitude: float
    residual_rms: float


def energy_calibration(
    spectrum: xr.DataArray, reference: xr.DataArray, *, largest_offset: float = 2.0
) -> EnergyCalibration:
    """Find the shift between a measured spectrum of a known state and a reference spectrum of the same state.

    Least squares of a reference(E + offset) + b + c E against the spectrum; Koo 2023 calibrates beamlines on a
    pristine Fe2+ spectrum. The standard deviation comes from the residuals.

    Parameters
    ----------
    spectrum, reference : DataArray (energy)
        Optical density over energy, eV.
    largest_offset : float
        The shift is sought within plus and minus this, eV; the reference must reach that far beyond the spectrum,
        or the spectrum is cut.

    Returns
    -------
    EnergyCalibration

    Raises
    ------
    AnalysisError
        If too few points overlap, or the best shift lies at the end of the range.
    """
    from scipy.interpolate import CubicSpline
    from scipy.optimize import least_squares

    axis, values = _ordered(spectrum, "spectrum")
    known, known_values = _ordered(reference, "reference")
    inside = (axis >= known[0] + largest_offset) & (axis <= known[-1] - largest_offset)
    axis, values = axis[inside], values[inside]
    if axis.size < 8:
        raise AnalysisError(
            "the spectra overlap too little to calibrate the energy",
            field="energy",
            value=f"{axis.size} points",
            limit=f"at least 8 that lie {largest_offset} eV inside the reference",
            remedy="use a longer reference or a smaller largest_offset",
        )
    curve = CubicSpline(known, known_values)
    centred = (axis - axis.mean()) / np.ptp(axis)

    def fitted(offset: float) -> tuple[FloatArray, FloatArray]:
        """Return amplitude and background at a shift, and the residual."""
        design = np.column_stack([curve(axis + offset), np.ones_like(axis), centred])
        answer = np.linalg.lstsq(design, values, rcond=None)[0]
        return answer, values - design @ answer

    def residual_at(parameters: FloatArray) -> FloatArray:
        """Return the residual at a shift."""
        return fitted(float(parameters[0]))[1]

    grid = np.linspace(-largest_offset, largest_offset, 81)
    start = grid[int(np.argmin([np.sum(np.square(fitted(offset)[1])) for offset in grid]))]
    found = least_squares(residual_at, [start], x_scale=0.1, xtol=1e-12, ftol=1e-12)
    offset = float(found.x[0])
    answer, residual = fitted(offset)
    if abs(offset) > largest_offset * 0.999 or not answer[0] > 0:
        raise AnalysisError(
            "the spectra do not match at any shift in the range",
            field="offset",
            value=offset,
            limit=f"within {largest_offset} eV, with a positive amplitude",
            remedy="check that both spectra are of the same state",
        )
    scatter = float(np.sum(residual**2)) / (axis.size - 4)
    std = float(np.sqrt(scatter / np.sum(np.square(np.asarray(found.jac)))))
    return EnergyCalibration(offset, std, float(answer[0]), float(np.sqrt(np.mean(residual**2)) / answer[0]))


def _ordered(spectrum: xr.DataArray, field: str) -> tuple[FloatArray, FloatArray]:
    ordered = spectrum.sortby("energy")
    axis, values = np.asarray(ordered["energy"].values, float), np.asarray(ordered.values, float)
    if not (np.all(np.isfinite(values)) and np.all(np.diff(axis) > 0)):
        raise AnalysisError(
            "a spectrum has a value that is not finite, or an energy twice",
            field=field,
            remedy="leave out those lines of the spectrum",
        )
    return axis, values
