"""The settings of the virtual potentiostat, each with its unit."""

from __future__ import annotations

from pydantic import Field

from lithiscope.options import Options


class PotentiostatOptions(Options):
    """How the virtual potentiostat samples, and what is wrong with it."""

    interval_second: float = Field(10.0, gt=0, description="time between samples (s)")
    first_sample_second: float = Field(0.01, gt=0, description="time of the first sample after a step began (s)")
    voltage_noise: float = Field(1e-4, ge=0, description="standard deviation of a voltage (V)")
    current_noise: float = Field(0.0, ge=0, description="standard deviation of a current (A)")
    voltage_digit: float = Field(0.0, ge=0, description="last digit of the voltage (V); 0 = not rounded")
    clock_offset: float = Field(0.0, description="what the potentiostat's clock shows at time 0 of the images (s)")
    clock_drift: float = Field(0.0, gt=-0.1, lt=0.1, description="seconds its clock gains per second")
    start_utc: str = Field("2015-06-01T08:00:00+00:00", description="moment of test time 0, ISO 8601 in UTC")
