"""The linear model of unmixing: which energies, which components, and what they mean for lithium."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.composition.xray.options import UnmixOptions
from lithiscope.composition.xray.pictures import FloatArray, axis_values
from lithiscope.errors import AnalysisError
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

# How far (eV) an energy asked for may lie from one that was measured.
_NEAR = 0.05

# References closer than this in lithium fraction say nothing about it that noise does not drown.
_LEAST_SPAN = 0.1


class Model(NamedTuple):
    """What to solve.

    `chosen` (K,) are indices of energies; `design` (K, P) holds the references and then the background; `rows`
    (2, P) turns coefficients into lithium and into amount; `bounded` (P,) says which are amounts.
    """

    chosen: np.ndarray
    design: FloatArray
    components: list[str]
    rows: FloatArray
    bounded: np.ndarray
    content_range: tuple[float, float]
    condition_number: float

    @property
    def operator(self) -> FloatArray:
        """The (P, K) matrix of the equally weighted answer."""
        return np.asarray(np.linalg.pinv(self.design))


def build_model(energies: FloatArray, references: xr.Dataset, options: UnmixOptions) -> Model:
    """Choose the energies, line the references up with them, and check that the problem has one answer.

    The few-energy mode subtracts the pre-edge from data and references. With the covariance that the subtraction
    leaves, generalised least squares on the differences is least squares on the energies themselves with a free
    constant, and that is how it is solved.

    Raises
    ------
    AnalysisError
        If references and data are on different energies, there are too few energies, the components cannot be told
        apart, or no component carries lithium.
    """
    chosen = _chosen(energies, options)
    reference = references_on(references, energies[chosen])
    background = _background(energies[chosen], options)
    design = np.column_stack([*reference, *background.values()])
    components = [*map(str, references["component"].values), *background]
    if len(components) > chosen.size:
        raise AnalysisError(
            "there are fewer energies than unknowns",
            field="energy",
            value=chosen.size,
            limit=f"at least {len(components)}: {', '.join(components)}",
            remedy="measure more energies, or drop a reference or the background",
        )
    condition = float(np.linalg.cond(design))
    if not condition < options.largest_condition:
        raise AnalysisError(
            "the references cannot be told apart at these energies",
            field="references",
            value=f"condition number {condition:.3g}",
            limit=f"below {options.largest_condition:g}",
            remedy="choose energies where the references differ, or drop a component",
        )
    content = np.full(len(components), np.nan)
    if "lithium_content" in references:
        content[: len(reference)] = references["lithium_content"].values
    carries = np.isfinite(content)
    if not carries.any():
        raise AnalysisError(
            "no reference says what lithium fraction it stands for",
            field="lithium_content",
            remedy="give lithium_content, e.g. {'LFP': 1, 'FP': 0}",
        )
    if np.ptp(content[carries]) < _LEAST_SPAN or content[carries].min() < 0 or content[carries].max() > 1:
        raise AnalysisError(
            "the references do not span a range of lithium fractions",
            field="lithium_content",
            value=content[carries].tolist(),
            limit=f"between 0 and 1, and at least {_LEAST_SPAN} apart",
            remedy="give the end members their own lithium fractions, e.g. {'LFP': 1, 'FP': 0}",
        )
    rows = np.stack([np.where(carries, content, 0.0), carries.astype(float)])
    bounded = np.arange(len(components)) < len(reference)
    low, high = float(np.nanmin(content)), float(np.nanmax(content))
    return Model(chosen, design, components, rows, bounded, (low, high), condition)


def lithium_rows(
    energies: FloatArray,
    references: xr.Dataset,
    *,
    options: UnmixOptions = UnmixOptions(),  # noqa: B008 (frozen)
) -> FloatArray:
    """Return the (2, K) matrix that turns optical densities at the energies into lithium and into amount.

    It is the equally weighted answer; with three energies and two references it is the only one. With
    `kernels.fixed.fraction_from_counts` it makes the fast way from counts to x, for live display.

    Raises
    ------
    AnalysisError
        As `lithium_fraction`.
    """
    model = build_model(energies, references, options)
    rows = np.zeros((2, energies.size))
    rows[:, model.chosen] = model.rows @ model.operator
    return rows


def _chosen(energies: FloatArray, options: UnmixOptions) -> np.ndarray:
    if options.energies is None:
        return np.arange(energies.size)
    wanted = np.asarray(options.energies)
    nearest = np.abs(energies[:, None] - wanted).argmin(axis=0)
    off = np.abs(energies[nearest] - wanted) > _NEAR
    if off.any():
        raise AnalysisError(
            "an energy was not measured",
            field="energies",
            value=wanted[off].tolist(),
            limit=f"one of the energies of the data: {np.round(energies, 3).tolist()}",
            remedy="choose among the measured energies",
        )
    return np.unique(nearest)


def references_on(references: xr.Dataset, energies: FloatArray) -> FloatArray:
    """Return the reference spectra (components, K) at the energies of the data.

    Raises
    ------
    AnalysisError
        If the references are on other energies, or not finite.
    """
    check(references, "references")
    axis = axis_values(references, "energy")
    nearest = np.abs(axis[:, None] - energies).argmin(axis=0)
    worst = float(np.max(np.abs(axis[nearest] - energies)))
    values = references["reference"].transpose("component", "energy").values[:, nearest]
    if worst > _NEAR or not np.all(np.isfinite(values)):
        raise AnalysisError(
            "the references are not on the energies of the data",
            field="references",
            value=f"{worst:.3g} eV apart, or not finite",
            limit=f"within {_NEAR} eV and finite",
            remedy="make them with references_from_spectra(spectra, od.energy, ...)",
        )
    return np.asarray(values, dtype=float)


def _background(energies: FloatArray, options: UnmixOptions) -> dict[str, FloatArray]:
    columns: dict[str, FloatArray] = {}
    if options.mode == "few_energy" or options.offset:
        columns["offset"] = np.ones(energies.size)
    if options.mode == "general" and options.slope:
        columns["slope"] = (energies - energies.mean()) / max(float(np.ptp(energies)), 1e-9)
    return columns
