"""What each named cause, moved by one standard deviation, does to the lithium fraction of every pixel at once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.composition.xray.common_time import to_common_time
from lithiscope.composition.xray.model import lithium_rows
from lithiscope.composition.xray.options import CommonTimeOptions, SystematicsOptions, UnmixOptions
from lithiscope.composition.xray.pictures import FloatArray, axis_values, extended, frame_std
from lithiscope.composition.xray.unmixing import Material, lithium_fraction, material_of, mean_slopes
from lithiscope.composition.xray.unmixing import unmix as unmix_frames
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

# The options with which nothing of the time between energies is left, as far as scans tell.
UNDONE = {"method": "linear", "ends": "extrapolate"}


def systematic_shifts(
    od: xr.Dataset,
    references: xr.Dataset,
    video: xr.Dataset,
    *,
    alignment: xr.Dataset | None = None,
    shifted_references: xr.Dataset | None = None,
    extrapolated: xr.Dataset | None = None,
    material: Material | None = None,
    unmix: UnmixOptions = UnmixOptions(),  # noqa: B008 (frozen)
    common_time: CommonTimeOptions = CommonTimeOptions(),  # noqa: B008 (frozen)
    options: SystematicsOptions = SystematicsOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Add ``lithium_fraction_shift`` to a video: one signed map per cause, each fully correlated over its pixels.

    Causes: ``lithiated_purity`` (x becomes p x; Lim 2016 has p = 0.89) and ``delithiated_purity`` (x becomes
    q + (1 - q) x; q = 0.11), each from the end of the scale that it moves; ``incident`` (ln I0); ``time_skew`` (what
    interpolation to one time would still change, by extrapolation at the ends, or all of it where nothing was
    interpolated; absent where the times of exposure are not known); ``drift`` (what the leakage of the
    registration changes, through the gradients of the optical densities); ``energy_calibration`` (the references
    moved along the energy axis); ``reference_noise`` (the standard deviations of the references, where they have any,
    independent between energies; to first order, in its size only). All but the first two and the last are reruns of
    the unmixing.

    Parameters
    ----------
    od, references : Frames(optical_density), References
        What `video` was made from; the densities may also be those before `to_common_time`.
    video : CompositionVideo
        The result.
    alignment : Alignment, optional
        With ``drift_leakage`` (um): adds the cause ``drift``.
    shifted_references : References, optional
        The references with their energies moved by one standard deviation of the calibration (``energy_offset``):
        adds ``energy_calibration``.
    extrapolated : Frames(optical_density), optional
        What `to_common_time` with ends extrapolated makes of `od`, where `od` is a part of a series: its ends are not
        those of the series.
    material : Material, optional
        As it was used for `video`.
    unmix, common_time : UnmixOptions, CommonTimeOptions
        As they were used for `video`.
    options : SystematicsOptions
        The size of one standard deviation of each cause.

    Returns
    -------
    CompositionVideo
        `video` with ``lithium_fraction_shift`` (systematic, time, y, x); NaN where x is.

    Raises
    ------
    AnalysisError
        If `video` does not belong to `od`, or a cause lacks what it needs.

    Warns
    -----
    LithiscopeWarning
        If energies were not brought to one time, and it is not known what that does.
    """
    check(video, "composition_video")
    x = video["lithium_fraction"].values.astype(float)
    if x.shape != (od.sizes["time"], od.sizes["y"], od.sizes["x"]):
        raise AnalysisError(
            "the video is not of these frames",
            field="video",
            value=x.shape,
            limit=str(dict(od.sizes)),
            remedy="use the composition that was made from these frames",
        )
    shifts: dict[str, FloatArray] = {}
    if options.lithiated_purity is not None:
        shifts["lithiated_purity"] = (options.lithiated_purity - 1) * x
    if options.delithiated_impurity is not None:
        shifts["delithiated_purity"] = options.delithiated_impurity * (1 - x)
    material = material or material_of(video)
    changed = {"incident": _moved_incident(od, references, unmix, material, options)}
    if alignment is not None:
        changed["drift"] = _leaked(od, alignment)
    base = _rerun(od, references, unmix)
    for cause, frames in changed.items():
        shifts[cause] = _rerun(frames, references, unmix) - base
    if options.time_skew and extrapolated is None and od.sizes["time"] > 1 and "exposure_mid" in od:
        extrapolated = to_common_time(od, options=common_time.model_copy(update=UNDONE))
    if options.time_skew and extrapolated is not None:
        shifts["time_skew"] = _rerun(extrapolated, references, unmix) - x
    elif options.time_skew and common_time.method == "none" and "exposure_mid" not in od:
        warnings.warn(
            "the times of the exposures are not known: what the reaction between the energies of a scan does to x is "
            "neither undone nor among the systematic errors",
            LithiscopeWarning,
            stacklevel=2,
        )
    if shifted_references is not None:
        shifts["energy_calibration"] = _rerun(od, shifted_references, unmix) - base
    if "reference_std" in references and (references["reference_std"].values > 0).any():
        shifts["reference_noise"] = _reference_noise(od, references, video, unmix)
    blank = np.isnan(x)
    stacked = np.stack([np.where(blank, np.nan, shift) for shift in shifts.values()])
    return extended(
        video,
        {"lithium_fraction_shift": ("systematic time y x", stacked)},
        coords={"systematic": ("systematic", list(shifts))},
    )


def _reference_noise(od: xr.Dataset, references: xr.Dataset, video: xr.Dataset, unmix: UnmixOptions) -> FloatArray:
    """Return by how much x errs because the references are noisy.

    A reference that is too high by d at one energy does what optical densities do that are too low by d times its
    coefficient; x = L/A moves by (row_L - x row_A)/A of that, with the rows of the equally weighted fit.
    """
    energies = axis_values(od, "energy")
    to_lithium, to_amount = lithium_rows(energies, references, options=unmix)
    nearest = np.abs(axis_values(references, "energy")[:, None] - energies).argmin(axis=0)
    std = np.nan_to_num(references["reference_std"].transpose("component", "energy").values.astype(float))[:, nearest]
    x, amount = (video[name].values.astype(float) for name in ("lithium_fraction", "amount"))
    square: Any = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, error in zip(references["component"].values, std, strict=True):
            share = video["coefficient"].sel(component=name).values.astype(float) / amount
            lithium, own = error * to_lithium, error * to_amount
            square = square + share**2 * (lithium @ lithium - 2 * x * (lithium @ own) + x**2 * (own @ own))
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def _rerun(od: xr.Dataset, references: xr.Dataset, unmix: UnmixOptions) -> FloatArray:
    # Pixels near the threshold of material may come and go between reruns; the video's own mask rules.
    anywhere = unmix.model_copy(update={"minimum_amount_absolute": 0.0})
    return np.asarray(lithium_fraction(od, references, options=anywhere)["lithium_fraction"].values, dtype=float)


def _with_signal(od: xr.Dataset, change: FloatArray) -> xr.Dataset:
    result = od.copy()
    result["signal"] = (od["signal"].dims, (od["signal"].values + change).astype(np.float32), od["signal"].attrs)
    return result


def _moved_incident(
    od: xr.Dataset,
    references: xr.Dataset,
    unmix: UnmixOptions,
    material: Material,
    options: SystematicsOptions,
) -> xr.Dataset:
    """Move ln I0 by a declared fraction, or by one standard deviation along the direction that moves mean x most."""
    shape = (od.sizes["time"], od.sizes["energy"])
    if options.incident_fraction is not None:
        fraction = np.asarray(options.incident_fraction, dtype=float)
        if fraction.size not in (1, shape[1]):
            raise AnalysisError(
                "the errors of I0 do not fit the energies",
                field="incident_fraction",
                value=options.incident_fraction,
                limit=f"one number, or {shape[1]}",
                remedy="give one number, or one per energy",
            )
        return _with_signal(od, np.broadcast_to(np.log1p(fraction), shape)[:, :, None, None])
    std = frame_std(od)
    unmixed = unmix_frames(od, references, unmix, material)
    pull = np.zeros(shape)
    pull[:, unmixed.model.chosen] = std[:, unmixed.model.chosen] * mean_slopes(unmixed.pulls)
    length = np.sqrt(np.sum(np.square(pull), axis=1, keepdims=True))
    direction = np.divide(pull, length, out=np.zeros(shape), where=length > 0)
    return _with_signal(od, (std * direction)[:, :, None, None])


def _leaked(od: xr.Dataset, alignment: xr.Dataset) -> xr.Dataset:
    check(alignment, "alignment")
    if "drift_leakage" not in alignment:
        raise AnalysisError(
            "the alignment does not tell its leakage",
            field="drift_leakage",
            remedy="measure it with frames.drift_leakage, or leave the alignment out",
        )
    leakage = alignment["drift_leakage"]
    change: Any = 0.0
    for axis, position in (("y", 2), ("x", 3)):
        amount = leakage.sel(axis=axis).values
        amount = amount[:, None] if amount.ndim == 1 else amount
        gradient = np.gradient(od["signal"].values.astype(float), axis_values(od, axis), axis=position)
        # Beside a missing pixel there is no gradient: that pixel is left where it is.
        change = change + np.nan_to_num(gradient) * amount[:, :, None, None]
    return _with_signal(od, change)
