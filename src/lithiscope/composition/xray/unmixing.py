"""From optical densities to the lithium fraction, with random, frame-wide and unsolvable parts kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.composition.xray.model import Model, build_model
from lithiscope.composition.xray.options import UnmixOptions
from lithiscope.composition.xray.pictures import (
    FloatArray,
    Pictures,
    axis_values,
    coordinates,
    frame_std,
    gain,
    pictures,
)
from lithiscope.composition.xray.solve import FrameSolution, Pull, pull_of_frame, solve_frame
from lithiscope.errors import AnalysisError
from lithiscope.stages import blank_fatal, fatal_mask, flag_bit, new

if TYPE_CHECKING:
    import xarray as xr


def lithium_fraction(
    od: xr.Dataset,
    references: xr.Dataset,
    *,
    options: UnmixOptions = UnmixOptions(),  # noqa: B008 (frozen)
    material: Material | None = None,
) -> xr.Dataset:
    """Unmix optical densities into end members and return the lithium fraction with its uncertainty.

    x = sum(l_r c_r)/sum(c_r) over the references that stand for a lithium fraction l_r; with two of them this is
    a/(a+b) (Lim 2016, eqs. S2 and S3). The solve is unconstrained, so x may leave [0, 1] by its noise; clip it only
    for display. Take means over a region weighted by ``amount``: weights 1/variance would bias them.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x).
    references : References
        End members on the same energies.
    options : UnmixOptions
        Mode, weighting, thresholds.
    material : Material, optional
        From `find_material` over the whole series, where `od` is a part of one.

    Returns
    -------
    CompositionVideo
        ``lithium_fraction`` with ``_std`` (random), ``_frame_std`` (the error of I0, for the amount-weighted mean of
        the frame) and ``_flag``; ``amount``, ``chi_square``, ``coefficient``, ``noise_gain``.

    Raises
    ------
    AnalysisError
        If energies, references and components do not make a problem with one answer, or sigma cannot be known.
    """
    unmixed = unmix(od, references, options, material)
    attrs = _attributes(unmixed, references, options)
    return _video(od, unmixed, attrs)


class Material(NamedTuple):
    """Where there is material: the time-mean amount of each pixel, its plateau, and what counts as none."""

    mean: FloatArray
    plateau: float
    floor: float


class Unmixed(NamedTuple):
    """All frames of a series, solved and flagged; flags have dims (time, pixels)."""

    model: Model
    frames: list[FrameSolution]
    flag: np.ndarray
    pulls: list[Pull]
    material: Material


def unmix(od: xr.Dataset, references: xr.Dataset, options: UnmixOptions, material: Material | None = None) -> Unmixed:
    """Solve and flag every frame: `lithium_fraction` before it becomes a stage."""
    model, chosen, frames = _solved(od, references, options)
    material = material or _material([frames], options)
    flag = _flags(chosen, frames, material, model, options)
    pulls = [
        pull_of_frame(frame, _flat(chosen, t)[1], model, options, ~fatal_mask(flag[t]))
        for t, frame in enumerate(frames)
    ]
    return Unmixed(model, frames, flag, pulls, material)


def find_material(parts: Iterable[xr.Dataset], references: xr.Dataset, options: UnmixOptions) -> Material:
    """Return where there is material in a series that is too long to be unmixed at once.

    Parameters
    ----------
    parts : iterable of Frames(optical_density)
        The series in parts, one after the other.
    references : References
        End members on the same energies.
    options : UnmixOptions
        As for `lithium_fraction`.
    """
    return _material((_solved(od, references, options)[2] for od in parts), options)


def material_of(video: xr.Dataset) -> Material:
    """Return where `lithium_fraction` found material in a video of a whole series."""
    amount = video["amount"].values
    number = np.isfinite(amount).sum(axis=0)
    mean = np.where(number > 0, np.nansum(amount, axis=0, dtype=float) / np.maximum(number, 1), np.nan)
    return Material(mean.ravel(), float(video.attrs["plateau"]), float(video.attrs["amount_floor"]))


def _solved(
    od: xr.Dataset, references: xr.Dataset, options: UnmixOptions
) -> tuple[Model, Pictures, list[FrameSolution]]:
    """Return the model, the pictures at its energies, and the solution of each frame."""
    data = pictures(od, quantity="optical_density")
    model = build_model(axis_values(od, "energy"), references, options)
    _require_noise(data, model)
    std = None if data.std is None else data.std[:, model.chosen]
    chosen = Pictures(data.values[:, model.chosen], std, data.flag[:, model.chosen])
    return model, chosen, [solve_frame(*_flat(chosen, t), model, options) for t in range(od.sizes["time"])]


def mean_slopes(pulls: list[Pull]) -> FloatArray:
    """Return d(mean x)/d(ln I0) (time, energies of the model), the mean weighted by amount; zero without material."""
    return np.stack([pull.gradient / pull.weight if pull.weight > 0 else pull.gradient * 0 for pull in pulls])


def _require_noise(data: Pictures, model: Model) -> None:
    if data.std is None and model.design.shape[0] <= model.design.shape[1]:
        raise AnalysisError(
            "the error of the lithium fraction cannot be known",
            field="signal_std",
            value="absent",
            limit="given, or more energies than components so that the residuals tell it",
            remedy="make the optical density with optical_density(...)",
        )


def _flat(data: Pictures, time: int) -> tuple[FloatArray, FloatArray | None]:
    energies = data.values.shape[1]
    std = None if data.std is None else data.std[time].reshape(energies, -1)
    return data.values[time].reshape(energies, -1), std


def _material(parts: Iterable[list[FrameSolution]], options: UnmixOptions) -> Material:
    """Return where there is material; the plateau is a percentile of what stands five sigma above nothing."""
    total: FloatArray = np.zeros(1)
    variance: FloatArray = np.zeros(1)
    number: FloatArray = np.zeros(1)
    for frame in (frame for frames in parts for frame in frames):
        finite = np.isfinite(frame.amount)
        total = total + np.where(finite, frame.amount, 0.0)
        variance = variance + np.square(np.where(np.isfinite(frame.amount_std), frame.amount_std, 0.0))
        number = number + finite
    there = number > 0
    mean = np.where(there, total / np.maximum(number, 1), np.nan)
    significant = there & (np.nan_to_num(mean) > 5 * np.sqrt(variance) / np.maximum(number, 1))
    pool = mean[significant] if significant.any() else mean[there]
    plateau = float(np.percentile(pool, options.plateau_percentile)) if pool.size else 0.0
    floor = options.minimum_amount * plateau
    return Material(
        mean, plateau, floor if options.minimum_amount_absolute is None else options.minimum_amount_absolute
    )


def _flags(
    data: Pictures,
    frames: list[FrameSolution],
    material: Material,
    model: Model,
    options: UnmixOptions,
) -> np.ndarray:
    """Return flags (time, pixels): why there is no x, and what to know about one that stands."""
    times, energies = data.flag.shape[:2]
    bits = data.flag.reshape(times, energies, -1)
    solvable = np.stack([frame.solvable for frame in frames])
    if options.mode == "few_energy":
        flag = np.asarray(np.bitwise_or.reduce(bits, axis=1))
    else:  # an energy without a value is left out; its flag counts only where too few are left
        fatal = fatal_mask(bits)
        flag = np.bitwise_or.reduce(np.where(fatal, 0, bits), axis=1).astype(np.uint16)
        flag |= np.where(solvable, 0, np.bitwise_or.reduce(np.where(fatal, bits, 0), axis=1)).astype(np.uint16)
    flag[~solvable] |= flag_bit("unsolvable")
    with np.errstate(invalid="ignore"):
        amount = np.stack([frame.amount for frame in frames])
        thin = (material.mean < material.floor) | ~(amount > 0)
        flag[thin & ~fatal_mask(flag)] |= flag_bit("no_material")
        x = np.stack([frame.x for frame in frames])
        margin = options.outside_sigma * np.stack([frame.x_std for frame in frames])
        low, high = model.content_range
        outside = ((x < low - margin) | (x > high + margin)) & ~fatal_mask(flag)
    flag[outside] |= flag_bit("outside_references")
    return flag


def _attributes(unmixed: Unmixed, references: xr.Dataset, options: UnmixOptions) -> dict[str, Any]:
    model, frames = unmixed.model, unmixed.frames
    energies, unknowns = model.design.shape
    attrs: dict[str, Any] = {
        "signal": "lithium_fraction",
        "unmixing_mode": options.mode,
        "unmixing_weighting": options.weighting,
        "degrees_of_freedom": energies - unknowns,
        "condition_number": model.condition_number,
        "plateau": unmixed.material.plateau,
        "amount_floor": unmixed.material.floor,
        "references": str(references.attrs.get("source", "")),
        "constraint": "non-negative: biased near x = 0 and x = 1, for display only" if options.non_negative else "none",
    }
    squares = np.stack([frame.squared_residual for frame in frames])
    if np.isfinite(squares).any():
        attrs["residual_rms"] = float(np.sqrt(np.nanmean(squares) / energies))
    chi_square = np.stack([frame.chi_square for frame in frames])[~fatal_mask(unmixed.flag)]
    if energies > unknowns and np.isfinite(chi_square).any():
        attrs["empirical_over_predicted_sigma"] = float(np.sqrt(np.nanmean(chi_square) / (energies - unknowns)))
    return attrs


def joined_attributes(parts: Sequence[Mapping[str, Any]], weights: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return the attributes of a video that was made in parts along time.

    Parameters
    ----------
    parts : sequence of mapping
        Attributes of the parts.
    weights : sequence of mapping
        `attribute_weights` of the parts.
    """
    found = dict(parts[0])
    for name in weights[0]:
        pairs = [(part[name], weight[name]) for part, weight in zip(parts, weights, strict=True) if name in part]
        if pairs:
            values, shares = np.array(pairs).T
            found[name] = float(np.sqrt(np.sum(shares * values**2) / np.sum(shares)))
    return found


def attribute_weights(video: xr.Dataset) -> dict[str, float]:
    """Return from how many numbers each root mean square in the attributes of a video is."""
    chi_square = video["chi_square"].values[~fatal_mask(video["lithium_fraction_flag"].values)]
    return {
        "residual_rms": float(np.isfinite(video["amount"].values).sum()),
        "empirical_over_predicted_sigma": float(np.isfinite(chi_square).sum()),
    }


def _video(od: xr.Dataset, unmixed: Unmixed, attrs: dict[str, Any]) -> xr.Dataset:
    model, frames, pulls = unmixed.model, unmixed.frames, unmixed.pulls
    image = (od.sizes["y"], od.sizes["x"])

    def stacked(name: str) -> FloatArray:
        """Return a field of all frames as pictures."""
        fields = [getattr(frame, name) for frame in frames]
        return np.stack([field.reshape(*field.shape[:-1], *image) for field in fields])

    bits = unmixed.flag.reshape(-1, *image)
    covariance = stacked("covariance") if frames[0].covariance is not None else None
    variables: dict[str, tuple[str, Any]] = {
        "lithium_fraction": ("time y x", blank_fatal(stacked("x"), bits)),
        "lithium_fraction_std": ("time y x", blank_fatal(stacked("x_std"), bits)),
        "lithium_fraction_frame_std": ("time", _frame_std(pulls, frame_std(od)[:, model.chosen])),
        "lithium_fraction_flag": ("time y x", bits),
        "amount": ("time y x", stacked("amount")),
        "amount_std": ("time y x", stacked("amount_std")),
        "chi_square": ("time y x", stacked("chi_square")),
        "coefficient": ("time component y x", stacked("coefficients")),
        "noise_gain": ("time", _noise_gain(pulls, gain(od)[:, model.chosen])),
    }
    coords = coordinates(od) | {"component": ("component", model.components)}
    if covariance is not None:
        variables["covariance"] = ("time component component_other y x", covariance)
        coords["component_other"] = ("component_other", model.components)
    return new("composition_video", variables, coords=coords, attrs=attrs)


def _frame_std(pulls: list[Pull], incident_std: FloatArray) -> FloatArray:
    """Return the error of the amount-weighted mean of x from I0: energies independent, added in quadrature."""
    return np.asarray(np.sqrt(np.sum(np.square(mean_slopes(pulls) * incident_std), axis=1)))


def _noise_gain(pulls: list[Pull], energy_gain: FloatArray) -> FloatArray:
    """Return apparent over native sigma of x: the energies' gains, each by its share of the variance of x."""
    apparent = np.stack([pull.variance for pull in pulls])
    native = (apparent / np.square(energy_gain)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(native > 0, np.sqrt(apparent.sum(axis=1) / native), energy_gain.mean(axis=1)))
