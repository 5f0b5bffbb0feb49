"""The options of every step of this technique."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lithiscope.options import Options


class IncidentOptions(Options):
    """How the counts without sample, I0, are found, and what makes an optical density doubtful."""

    method: Literal["auto", "percentile", "blank", "spectrum"] = Field(
        default="auto",
        description="auto: the external spectrum if one is given, else the blank mask if one is given, else percentile",
    )
    percentile: float | None = Field(
        default=None,
        gt=0,
        lt=100,
        description="percentile of the counts taken as I0; none: the middle of the measured blank share",
    )
    percentile_window: float = Field(
        default=2.5, gt=0, le=25, description="half width of the window of percentiles that is averaged"
    )
    minimum_blank_pixels: int = Field(default=25, ge=2, description="smallest blank mask or blank share, in pixels")
    spectrum_relative_std: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="standard deviation of the external spectrum over its value; none: its own scatter about a smooth "
        "curve, which knows nothing of a beam that changed since",
    )
    spectrum_ring_current: float | None = Field(
        default=None,
        gt=0,
        description="ring current (A) at which the spectrum was measured; given: I0 is scaled by the recorded current",
    )
    counts_per_photon: float = Field(
        default=1.0, gt=0, description="variance of the counts over their mean, where no noise is given with them"
    )
    saturation: float | None = Field(
        default=None, gt=0, description="counts at and above which the detector is not trusted; none: the file's own"
    )
    few_counts: float = Field(
        default=20.0,
        ge=0,
        description="counts below which a warning is set: the logarithm is then biased by over 11 % of its own sigma",
    )
    opaque_above: float = Field(
        default=2.5, gt=0, description="optical density above which stray light counts and a warning is set"
    )
    disagreement_sigma: float = Field(
        default=5.0, gt=0, description="ways to find I0 disagree when they differ by more than this many joint sigma"
    )
    disagreement_density: float = Field(default=0.02, gt=0, description="and by more than this optical density")


class ReferenceOptions(Options):
    """How the spectra of the end members are put on the energies and on the scale of the data."""

    energy_offset: float = Field(default=0.0, description="eV added to the energies of the spectra")
    scale: Literal["mean", "pre_edge"] = Field(
        default="mean",
        description="from pictures: mean keeps the mean optical density (amount 1 = that region's mean thickness); "
        "pre_edge divides by the optical density at the lowest energy",
    )


class UnmixOptions(Options):
    """How optical densities become a lithium fraction."""

    mode: Literal["few_energy", "general"] = Field(
        default="few_energy",
        description="few_energy: pre-edge subtracted, every energy needed; general: any number of energies",
    )
    energies: tuple[float, ...] | None = Field(default=None, description="energies used (eV); none: all")
    offset: bool = Field(default=True, description="general mode: fit a constant beside the references")
    slope: bool = Field(default=False, description="general mode: fit a term linear in energy beside the references")
    weighting: Literal["variance", "none"] = Field(
        default="variance",
        description="variance: each pixel and energy by 1/variance; none: equal, with sigma from the residuals",
    )
    non_negative: bool = Field(
        default=False, description="hold the references at or above zero; for display only, it biases x at the ends"
    )
    minimum_amount: float = Field(
        default=0.2,
        ge=0,
        description="smallest amount that gets an x, as a share of the plateau; low, because the masks of thin "
        "particles are drawn later and their sigma says how little they know",
    )
    minimum_amount_absolute: float | None = Field(
        default=None, ge=0, description="the same in units of the references; replaces minimum_amount"
    )
    plateau_percentile: float = Field(
        default=95.0, gt=0, le=100, description="percentile of the significant amounts that is the plateau"
    )
    outside_sigma: float = Field(
        default=3.0, gt=0, description="sigma outside the references at which a warning is set"
    )
    largest_condition: float = Field(
        default=1e4, gt=1, description="condition number of references and background above which the fit is refused"
    )
    keep_covariance: bool = Field(default=False, description="keep the covariance of the coefficients (large)")


class InvariantOptions(Options):
    """Which picture is made in which a phase front does not show."""

    mode: Literal["pre_edge", "isosbestic", "amount"] = Field(
        default="pre_edge",
        description="pre_edge: the lowest energy; isosbestic: the combination of energies that sees no difference "
        "between the references, least noisy; amount: the sum of the references from an unweighted fit",
    )
    pre_edge_below: float | None = Field(
        default=None, gt=0, description="energies below this (eV) are averaged as pre-edge; none: the lowest alone"
    )
    offset: bool = Field(default=True, description="amount: fit a constant beside the references")


class CommonTimeOptions(Options):
    """How the energies of a scan are brought to one time."""

    method: Literal["linear", "none"] = Field(
        default="linear",
        description="linear: each energy interpolated between scans to the time of its scan; none: left as it was "
        "taken, for files that do not tell when; the shift time_skew then says what that does to x, if times are known",
    )
    ends: Literal["hold", "extrapolate"] = Field(
        default="hold",
        description="at the ends of a half cycle: hold the value and flag it, or extend the line",
    )
    raster_skew: bool = Field(
        default=False, description="give each pixel its own exposure time within the picture (needs dwell)"
    )
    fast_axis: Literal["x", "y"] = Field(default="x", description="axis along which a line is scanned")
    line_overhead: float = Field(default=0.0, ge=0, description="time lost at the end of each line (s)")


class SystematicsOptions(Options):
    """One standard deviation of each cause that moves the whole result."""

    lithiated_purity: float | None = Field(
        default=0.89, gt=0, le=1, description="lithium fraction that the lithiated reference may really have"
    )
    delithiated_impurity: float | None = Field(
        default=0.11, ge=0, lt=1, description="lithium fraction that the delithiated reference may really have"
    )
    incident_fraction: float | tuple[float, ...] | None = Field(
        default=None,
        description="error of I0 over I0, of all energies together or one number each; none: the stated error of I0, "
        "in the combination of energies that moves the mean of x most",
    )
    time_skew: bool = Field(default=True, description="what interpolation to one time did not, or could not, undo")


class ThicknessOptions(Options):
    """Thickness from the absorption before the edge."""

    formula: str = Field(default="LiFePO4", description="chemical formula of the lithiated material")
    density: float = Field(default=3.60, gt=0, description="mass density of the lithiated material (g/cm3)")
    delithiated_formula: str | None = Field(
        default=None, description="formula of the delithiated material; given: attenuation is averaged over x"
    )
    delithiated_density: float | None = Field(default=None, gt=0, description="its mass density (g/cm3)")
    mean_lithium_fraction: float = Field(default=1.0, ge=0, le=1, description="x at which attenuation is averaged")
    table: Literal["henke", "chantler"] = Field(
        default="henke", description="henke: periodictable; chantler: xraydb; they differ by several per cent"
    )
    background: float = Field(default=0.0, description="optical density of window and liquid, taken off first")


class DoseOptions(Options):
    """Radiation dose of the material."""

    density: float = Field(default=3.60, gt=0, description="mass density of the material (g/cm3)")
    efficiency: float = Field(default=1.0, gt=0, le=1, description="detected over transmitted photons")
    minimum_thickness: float = Field(
        default=10.0, gt=0, description="thickness (nm) below which a pixel has no dose of its own"
    )
