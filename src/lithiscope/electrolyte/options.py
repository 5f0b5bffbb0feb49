"""Options of the model of the liquid in the channel of the cell."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lithiscope.options import Options

Side = Literal["left", "right", "top", "bottom"]


class ChannelOptions(Options):
    """Geometry, liquid and numerical accuracy; the defaults are those of Lim 2016 where it states them."""

    gap: float = Field(1.0, gt=0, description="depth of the channel between the two chips, um")
    chip: tuple[float, float] = Field(
        (6000.0, 5000.0), description="size along x and y of the spacer chip that covers the channel, um"
    )
    electrode: tuple[float, float] = Field((1200.0, 1700.0), description="size of the electrode along x and y, um")
    centre: tuple[float, float] = Field(
        (0.0, 0.0), description="centre of the electrode from the centre of the chip, x and y, um"
    )
    reservoir: tuple[Side, ...] = Field(
        ("left", "right", "top", "bottom"),
        min_length=1,
        description="sides of the chip open to the reservoir, where salt and potential are held; others are closed",
    )
    salt_concentration: float = Field(1.0, gt=0, description="concentration of the salt in the reservoir, mol/L")
    diffusivity: float = Field(1e-10, gt=0, description="diffusivity of the salt, m2/s")
    diffusivity_exponent: float = Field(
        0.0, ge=-5, le=5, description="p in D = diffusivity (c / salt_concentration)^p; 0 is a constant diffusivity"
    )
    conductivity: float = Field(0.3, gt=0, description="conductivity of the electrolyte, S/m")
    conductivity_exponent: float = Field(
        0.0, ge=-5, le=5, description="q in kappa = conductivity (c / salt_concentration)^q"
    )
    transference_number: float = Field(
        0.3, gt=-1, lt=1, description="transference number of lithium; the sources do not state it"
    )
    thermodynamic_factor: float = Field(1.0, gt=0, description="1 + d ln f / d ln c of the salt")
    temperature: float = Field(298.15, gt=0, description="temperature, K")
    elements: int = Field(
        12, ge=2, le=64, description="quadratic elements along each axis: above the electrode, and on either side of it"
    )
    tolerance: float = Field(
        1e-4, gt=0, lt=0.1, description="largest error of the concentration made in one time step, over the reservoir's"
    )

    @model_validator(mode="after")
    def _electrode_on_chip(self) -> Self:
        for axis, size, chip, offset in zip("xy", self.electrode, self.chip, self.centre, strict=True):
            if not 0 < size <= chip:
                raise ValueError(f"along {axis} the electrode must be larger than 0 and at most as large as the chip")
            if abs(offset) + size / 2 > chip / 2:
                raise ValueError(f"along {axis} the electrode reaches beyond the chip; mend centre or electrode")
        return self
