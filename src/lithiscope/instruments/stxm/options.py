"""The settings of the virtual microscope, each with its unit."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class MicroscopeOptions(Options):
    """A scanning transmission X-ray microscope as in Lim et al. 2016, with its imperfections.

    With the defaults and the stated model spectra, counting gives a lithium fraction that scatters by 0.03-0.05.
    """

    energies: tuple[float, ...] = Field((703.0, 706.0, 713.0), min_length=1, description="photon energies (eV)")
    pixel: float = Field(0.05, gt=0, description="step of the raster (um)")
    dwell: float = Field(1e-3, gt=0, description="exposure of a pixel (s)")
    line_overhead: float = Field(0.05, ge=0, description="turning round at the end of a line (s)")
    energy_change: float = Field(10.0, ge=0, description="pause between two energies of a scan (s)")
    raster_skew: bool = Field(True, description="expose every line at its own time, not all at the middle of the frame")

    incident_photons: float = Field(
        1.6e4, gt=0, description="photons on a pixel of the sample in one dwell, at 703 eV and nominal ring current"
    )
    incident_slope: float = Field(
        0.005, description="change of the incident flux with energy, relative to 703 eV (1/eV)"
    )
    transmission: float = Field(
        0.8, gt=0, le=1, description="transmission of window and liquid at 703 eV; their absorption falls as E^-2.7"
    )
    efficiency: float = Field(0.7, gt=0, le=1, description="share of the transmitted photons that is detected")
    ring_current: float = Field(0.5, gt=0, description="ring current at time 0 and after each top-up (A)")
    ring_lifetime: float = Field(28800.0, gt=0, description="time in which the ring current falls by e (s)")
    top_up_interval: float = Field(0.0, ge=0, description="time between top-ups of the ring (s); 0 = none")
    dump_times: tuple[float, ...] = Field((), description="moments at which the beam is lost (s)")
    dump_duration: float = Field(30.0, ge=0, description="how long the beam stays away after a loss (s)")

    probe_fwhm: float = Field(0.05, ge=0, description="full width at half maximum of the Gaussian probe (um)")
    probe_nodes: int = Field(5, ge=1, le=15, description="Gauss-Hermite nodes per axis for the blur of the probe")
    drift_velocity: tuple[float, float] = Field((0.1, -0.06), description="steady drift along y and x (um/h)")
    drift_step: float = Field(0.01, ge=0, description="standard deviation of the random walk per frame and axis (um)")
    jitter: float = Field(
        0.02, ge=0, description="standard deviation of the place of each frame, from changing the energy, per axis (um)"
    )

    flicker_pixel: float = Field(0.01, ge=0, lt=0.3, description="relative standard deviation of the flux per pixel")
    flicker_line: float = Field(0.0, ge=0, lt=0.3, description="relative standard deviation of the flux per line")
    dark_counts: float = Field(2.0, ge=0, description="mean dark counts of a pixel (counts)")
    leakage: float = Field(0.0, ge=0, lt=1, description="stray light that passes no sample, relative to the incident")
    dead_time: float = Field(0.0, ge=0, description="non-paralysable dead time of the detector (s)")
    saturation: float | None = Field(None, gt=0, description="largest count that the electronics can write (counts)")
    spike_share: float = Field(0.0, ge=0, le=1, description="share of pixels hit by a spike")
    spike_counts: float = Field(2e4, ge=0, description="mean height of the exponentially distributed spikes (counts)")

    start_utc: str = Field("2015-06-01T08:00:00+00:00", description="moment of time 0, ISO 8601 in UTC")

    @model_validator(mode="after")
    def _energies_rise(self) -> Self:
        if any(low >= high for low, high in zip(self.energies, self.energies[1:], strict=False)):
            raise ValueError("energies must increase strictly")
        return self
