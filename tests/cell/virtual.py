"""Cells and traces with known truth for the tests of the trace's analysis."""

from __future__ import annotations

import dataclasses

import numpy as np

from lithiscope import stages
from lithiscope.instruments.potentiostat import PotentiostatOptions, galvanostatic, measure, plateau_cell

CAPACITY = 5e-9  # Ah
OHM = 1e8


def cell(**changes):
    """A 5 nAh electrode on one plateau, 100 Mohm, no hysteresis."""
    return dataclasses.replace(plateau_cell(CAPACITY, end_volt=0.05, slope_volt=0.01, hysteresis_volt=0.0), **changes)


def cycled(
    currents=(0.5e-9, 2.5e-9), *, seed=0, rest=900.0, interval=5.0, cut_off=None, of=None, between=(2.6, 4.3), **options
):
    """A trace of one cycle per current, and its truth."""
    protocol = galvanostatic(currents, between=between, rest_second=rest, cut_off_ampere=cut_off)
    return measure(of or cell(), protocol, seed=seed, options=PotentiostatOptions(interval_second=interval, **options))


def noisy(measured, noise, seed):
    """The same measurement with other noise of the voltage."""
    fresh = measured.truth.voltage_volt + noise * np.random.default_rng(seed).standard_normal(
        measured.trace.sizes["sample"]
    )
    return measured.trace.assign(voltage_volt=measured.trace["voltage_volt"].copy(data=fresh))


def trace_of(time, current, voltage=None, **columns):
    """A trace from bare columns."""
    voltage = np.full(len(time), 3.4) if voltage is None else voltage
    named = {"test_time_second": time, "current_ampere": current, "voltage_volt": voltage, **columns}
    return stages.new(
        "cell_trace",
        {name: ("sample", np.asarray(values, dtype=float)) for name, values in named.items() if values is not None},
        coords={"sample": ("sample", np.arange(len(time)))},
        attrs={"source": "made.csv", "current_source": "measured"},
    )
