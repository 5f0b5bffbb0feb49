"""Options of the steps that analyse a trace."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class SplitOptions(Options):
    """How a trace is cut into half cycles, and what 1C means."""

    nominal_capacity_ah: float | None = Field(
        None, gt=0, description="charge that 1C passes in an hour, Ah; null takes it from mass and specific capacity"
    )
    nominal_capacity_std_ah: float | None = Field(
        None, ge=0, description="standard deviation of the nominal capacity, Ah; null is unknown"
    )
    active_mass_gram: float | None = Field(None, gt=0, description="mass of the active material, g")
    specific_capacity_ah_per_gram: float | None = Field(
        None, gt=0, description="capacity of a gram of active material, Ah/g, e.g. 0.15"
    )
    electrode_area_square_centimetre: float | None = Field(
        None, gt=0, description="projected area of the electrode, cm2, for its current density"
    )
    rest_current_ampere: float | None = Field(
        None, gt=0, description="currents no larger than this are rest, A; null takes it from the noise of the trace"
    )
    longest_interruption_second: float = Field(
        60.0, ge=0, description="interruptions of a half cycle up to this long are bridged, s"
    )
    least_share: float = Field(
        0.01, ge=0, lt=1, description="a run of current with less than this share of the largest charge is a pulse"
    )
    charge: Literal["current", "column"] = Field(
        "current", description="where charge comes from: the current, integrated, or the capacity columns of the file"
    )
    held_volt: float = Field(
        0.002, gt=0, description="a voltage that stays within this while the current falls is held, V"
    )
    mid_width: float = Field(
        0.01, gt=0, le=0.2, description="the mid voltage is averaged by a Gaussian of this width, share of the capacity"
    )

    @model_validator(mode="after")
    def _one_capacity(self) -> Self:
        parts = (self.active_mass_gram, self.specific_capacity_ah_per_gram)
        if parts[0] is None and parts[1] is not None:
            raise ValueError("specific_capacity_ah_per_gram needs active_mass_gram")
        if self.nominal_capacity_ah is not None and parts[1] is not None:
            raise ValueError("state either nominal_capacity_ah or specific_capacity_ah_per_gram, not both")
        if self.nominal_capacity_std_ah is not None and self.capacity is None:
            raise ValueError("nominal_capacity_std_ah needs a nominal capacity")
        return self

    @property
    def capacity(self) -> float | None:
        """The stated capacity in Ah, or None."""
        if self.active_mass_gram is not None and self.specific_capacity_ah_per_gram is not None:
            return self.active_mass_gram * self.specific_capacity_ah_per_gram
        return self.nominal_capacity_ah


class IncrementalOptions(Options):
    """How dQ/dV and dV/dQ are smoothed; the widths are standard deviations of Gaussians."""

    voltage_width_volt: float = Field(0.003, gt=0, description="smoothing of dQ/dV along the voltage, V")
    charge_width: float = Field(
        0.003, gt=0, le=0.1, description="smoothing of the voltage along the charge, share of the charge"
    )
    points: int = Field(1000, ge=20, le=5000, description="equal parts that the charge of a half cycle is cut into")
    held_voltage: bool = Field(False, description="take in the charge passed at held voltage (a spike at the limit)")
    replicates: int = Field(40, ge=0, le=1000, description="bootstrap replicates behind the standard deviations")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")


class PeakOptions(Options):
    """What counts as a peak of dQ/dV."""

    least_share: float = Field(
        0.05, gt=0, lt=1, description="least prominence, as a share of the highest dQ/dV of the half cycle"
    )
    least_sigma: float = Field(5.0, ge=0, description="least prominence over its standard deviation")
    top_share: float = Field(0.7, gt=0.2, lt=1, description="the position is fitted above this share of the height")


class EdgeOptions(Options):
    """What counts as a step of the current."""

    least_change: float = Field(
        0.2, gt=0, le=2, description="least step, as a share of the larger of the currents before and after"
    )
    rest_current_ampere: float | None = Field(
        None, gt=0, description="currents no larger than this are rest, A; null takes it from the noise of the trace"
    )


class ResistanceOptions(Options):
    """How the ohmic resistance is found."""

    ohm: float | None = Field(None, ge=0, description="stated resistance, ohm; null measures it")
    ohm_std: float | None = Field(None, ge=0, description="standard deviation of the stated resistance, ohm")
    window_second: float = Field(10.0, gt=0, description="time before and after a step that is used, s")
    skip_second: float = Field(0.0, ge=0, description="time after a step that is left out, s")
    extrapolation: Literal["linear", "root"] = Field(
        "linear", description="voltage after a step: straight in time, or in the square root of time (diffusion)"
    )
    least_step: float = Field(0.2, gt=0, le=1, description="steps below this share of the largest step are left out")

    @model_validator(mode="after")
    def _std_needs_ohm(self) -> Self:
        if self.ohm_std is not None and self.ohm is None:
            raise ValueError("ohm_std needs ohm")
        if self.skip_second >= self.window_second:
            raise ValueError("skip_second must be shorter than window_second")
        return self


class EquilibriumOptions(Options):
    """Where the equilibrium voltage comes from."""

    volt: float | None = Field(None, description="stated equilibrium voltage, V; null takes the slowest half cycles")
    volt_std: float | None = Field(None, ge=0, description="standard deviation of the stated voltage, V")
    half_cycles: tuple[int, ...] = Field((), description="half cycles to use; empty takes the slowest, full ones")
    highest_c_rate: float = Field(0.2, gt=0, description="warn when the half cycles are faster than this, 1/h")
    width: float = Field(0.005, gt=0, le=0.1, description="smoothing along the charge, share of the charge")
    points: int = Field(201, ge=11, le=5001, description="points of the curve between full and empty")

    @model_validator(mode="after")
    def _std_needs_volt(self) -> Self:
        if self.volt_std is not None and self.volt is None:
            raise ValueError("volt_std needs volt")
        return self


class RateOptions(Options):
    """At which charge the overpotentials of several rates are compared."""

    at: Literal["composition", "own"] = Field(
        "composition",
        description="half of the capacity at the lowest rate (the same composition), or of each half cycle's own",
    )
    width: float = Field(0.01, gt=0, le=0.2, description="Gaussian average around it, share of the capacity")
    reference_volt: float | None = Field(None, description="reference, V; null is the mid-plateau at the lowest rate")
    reference_std: float = Field(0.0, ge=0, description="standard deviation of a stated reference, V")


class ClockOptions(Options):
    """How the clocks of images and potentiostat are brought together."""

    offset_second: float | None = Field(
        None, description="stated test time minus image time, s; null finds it from edges, markers or absolute times"
    )
    offset_std: float | None = Field(
        None, ge=0, description="standard deviation of a stated offset, or of that from absolute times, s"
    )
    edge_std: float | None = Field(
        None, gt=0, description="standard deviation of the edges in the images where they come without, s"
    )
    largest_offset_second: float | None = Field(
        None, gt=0, description="when edges are matched, offsets are sought within this of the first guess, s"
    )
    absolute_within_second: float = Field(
        900.0,
        gt=0,
        description="an offset from edges that lies further than this, and than three of its errors, from the "
        "absolute times of both files is refused, s; one that was stated or marked is warned about",
    )
    largest_drift: float = Field(
        1e-3,
        gt=0,
        lt=0.1,
        description="clocks that drift faster than this are not believed; a drift known no better is taken as 0",
    )
    matched_sigma: float = Field(4.0, gt=0, description="an edge matches within so many standard deviations")


class FrameOptions(Options):
    """What the cell's state at a frame is computed with."""

    lithium_start: float | None = Field(
        None, ge=0, le=1, description="global lithium fraction at the start of the trace; null: 1 if delithiated first"
    )
    lithium_range: tuple[float, float] = Field(
        (0.0, 1.0), description="lithium fractions between which the capacity lies: empty, full"
    )
    capacity_ah: float | None = Field(
        None, gt=0, description="charge of that range, Ah; null: the nominal, else the largest measured capacity"
    )
    capacity_std_ah: float | None = Field(None, ge=0, description="standard deviation of that capacity, Ah")
    equilibrium: Literal["plateau", "curve"] = Field(
        "plateau", description="equilibrium voltage: one value as in Lim 2016, or the curve over the composition"
    )
    longest_gap_second: float = Field(3600.0, gt=0, description="frames in longer gaps of the trace get no value, s")
    least_inside: float = Field(
        1.0, gt=0.5, le=1, description="share of an interval that must lie in one half cycle for it to have a direction"
    )

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        low, high = self.lithium_range
        if not 0 <= low < high <= 1:
            raise ValueError("lithium_range must rise within 0 and 1")
        return self
