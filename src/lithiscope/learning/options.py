"""Options of the learning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from lithiscope.errors import OptionError
from lithiscope.options import Options

Name = Literal[
    "exchange_current",
    "exchange_level",
    "chemical_potential",
    "gradient_energy",
    "coherency",
    "alpha",
    "reorganisation",
    "film_resistance",
    "frame_blur",
    "rate_field",
]


class LearnOptions(Options):
    """What is learned from composition videos, and what is known beforehand."""

    material: str = Field(
        default="lfp_cogswell_bazant_2012",
        description="parameter set where the laws start from; `lithiscope materials` lists them",
    )
    unknowns: tuple[Name, ...] = Field(
        default=("rate_field", "exchange_current", "chemical_potential"),
        description="rate_field: ln k(r) of each particle; exchange_current: level and shape of j0(x); exchange_level: "
        "only its level; chemical_potential: mu(x); gradient_energy, coherency, alpha, reorganisation, "
        "film_resistance, frame_blur: one number each",
    )
    law: str | None = Field(default=None, description="reaction law; none: that of the set")
    law_parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="parameters of the reaction law, energies in kT, such as {reorganisation: 8.3}",
    )
    exchange: str = Field(
        default="symmetric", description="law F(x) about which j0(x) is learned, or that holds if only its level is"
    )
    blur: float = Field(
        default=0.0,
        ge=0,
        le=1e4,
        description="standard deviation in nm of the spot that the pictures were taken with, 0.42 of the diameter of "
        "the probe; where it starts if frame_blur is learned",
    )
    film_resistance: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="resistance of a film on the surface in ohm m2, where it starts if it is learned",
    )
    strain: Literal["none", "coherent"] = Field(default="none", description="coherency strain B(x - mean x)")
    thickness: float | None = Field(
        default=None, gt=1, le=1e5, description="thickness in nm, both faces react; none: the mean that the video holds"
    )
    amplitude: float = Field(
        default=0.5, gt=0, le=5, description="prior standard deviation of ln k(r), where it starts"
    )
    length: float = Field(default=200.0, gt=0, description="prior correlation length of ln k(r) in nm, where it starts")
    initial_amplitude: float = Field(
        default=0.2, gt=0, le=5, description="prior standard deviation of the logit of the initial x within a particle"
    )
    initial_length: float = Field(default=200.0, gt=0, description="its prior correlation length in nm")
    learn_prior: bool = Field(
        default=True,
        description="choose amplitudes and lengths by the evidence of the linear model; no: they stay as they start, "
        "and only bands of waves find amplitudes of their own",
    )
    potential_terms: int = Field(default=5, ge=1, le=12, description="Legendre terms of mu(x)")
    rate_spread: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="how much the rate of a particle may change within a half cycle, relative; 0: constant current",
    )
    voltage: bool = Field(
        default=False,
        description="hold the model against the voltage of each frame too, which fixes the scale of j0(x); the ohmic "
        "drop is taken off where its resistance is known. Needs a trace of the cell, or a video with voltage_volt",
    )
    voltage_noise: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="least standard deviation of each voltage, mV; a larger one that is told holds",
    )
    voltage_offset: float = Field(
        default=20.0,
        ge=0,
        le=1000,
        description="how much the plateau of the set may be off, mV, standard deviation; it is learned unless 0",
    )
    voltage_drop: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="how much all voltages of one half cycle may be off, mV: ohmic drop that was not corrected",
    )
    field_modes: int = Field(default=160, ge=4, le=2000, description="modes of ln k(r)")
    domains: int = Field(
        default=4,
        ge=0,
        le=16,
        description="sharp domains of ln k(r) in a particle, at most; where a fit finds them, and the evidence is for "
        "them, an edge counts once, and not pixel by pixel; 0: rates are never taken as sharp",
    )
    initial_modes: int = Field(default=64, ge=2, le=1000, description="modes of the initial composition")
    shooting: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="multiple shooting: half cycles begin anew at every frame, until the gaps between the stretches "
        "close. For long half cycles, and where pixels react one after the other in an order that small differences "
        "decide. auto: where the fit of whole half cycles ends at a chi-square above 1.5, and the better is kept",
    )
    robust: bool = Field(default=False, description="residuals as of a t distribution: outliers count less")
    tolerance: float = Field(default=1e-4, gt=1e-10, le=1e-2, description="error of x that a step of time may make")
    profile: bool = Field(
        default=False,
        description="hold the error bars of the laws' widest directions against the posterior one and two deviations "
        "away; a warning tells which should be longer or shorter. Takes about as long again as the fit",
    )
    iterations: int = Field(default=30, ge=1, le=500, description="steps of the fit, at most, in each round")


# Beside an unknown: the option that says where it starts, what that is, and what to state.
_STARTS = {
    "coherency": ("strain", "coherency", "set it to coherent: the material tells how large"),
    "reorganisation": ("law_parameters", "energy of reorganisation", "state {reorganisation: 8.3} in kT, and the law"),
    "film_resistance": ("film_resistance", "film", "state the order of its resistance in ohm m2, such as 0.01"),
    "frame_blur": ("blur", "blur", "state the deviation of the spot in nm, 0.42 of the diameter of the probe"),
}


def without_start(options: LearnOptions) -> Iterator[OptionError]:
    """Yield what is wrong with each unknown that has nothing to start from."""
    for name, (field, what, remedy) in _STARTS.items():
        value = getattr(options, field)
        stated = name in value if isinstance(value, dict) else value not in (0.0, "none")
        if name in options.unknowns and not stated:
            yield OptionError(f"there is no {what} to start from", field=field, value=value, remedy=remedy)
