"""Stages of the potentiostat's trace: every sample, every half cycle, and what the cell did while a frame was taken.

Names are those of the Battery Data Format 1.3.0 where it has one, and made in its style where it has none. Positive
current is oxidation of the working electrode, which is delithiation of a cathode.
"""

from __future__ import annotations

from lithiscope.stages.schema import Stage, Variable
from lithiscope.units import (
    AMPERE,
    AMPERE_HOUR,
    AMPERE_HOUR_PER_GRAM,
    AMPERE_HOUR_PER_VOLT,
    AMPERE_PER_SQUARE_METRE,
    CELSIUS,
    OHM,
    ONE,
    PER_HOUR,
    SECOND,
    VOLT,
    VOLT_PER_AMPERE_HOUR,
)

CELL_TRACE = Stage(
    "cell_trace",
    "What the potentiostat wrote, one entry per sample",
    variables={
        "test_time_second": Variable("sample", SECOND, "seconds since the start of the acquisition", required=True),
        "unix_time_second": Variable("sample", SECOND, "seconds since 1970-01-01 UTC; absent without a known zone"),
        "voltage_volt": Variable("sample", VOLT, "voltage of the cell, working against counter electrode"),
        "working_electrode_potential_volt": Variable("sample", VOLT, "working against reference electrode"),
        "current_ampere": Variable("sample", AMPERE, "current, positive = delithiation of the working electrode"),
        "net_capacity_ah": Variable("sample", AMPERE_HOUR, "integral of the current since the start"),
        "charging_capacity_ah": Variable(
            "sample", AMPERE_HOUR, "charge passed at positive current, as the file has it"
        ),
        "discharging_capacity_ah": Variable("sample", AMPERE_HOUR, "charge passed at negative current, as in the file"),
        "ambient_temperature_celsius": Variable("sample", CELSIUS, "temperature"),
        "cycle_count": Variable("sample", ONE, "number of the cycle, as the file has it", kind="int"),
        "step_index": Variable("sample", ONE, "number of the step of the protocol", kind="int"),
        "step_count": Variable("sample", ONE, "number of steps since the start", kind="int"),
        "half_cycle_count": Variable("sample", ONE, "number of the half cycle from 0; -1 at rest", kind="int"),
        "sample_flag": Variable("sample", ONE, "flags", kind="int"),
    },
    coordinates={"sample": Variable("sample", ONE, "number of the sample from 0", kind="int")},
    attributes={
        "source": "name of the file or files",
        "format": "format of the file",
        "technique": "technique as the file names it, e.g. GCPL",
        "start_utc": "start of the acquisition in UTC, ISO 8601; absent when the local time has no stated zone",
        "start_local": "start as the file writes it, ISO 8601 without zone",
        "current_source": "'measured', 'from charge' (rebuilt), 'stated' (by the user), 'open circuit' or absent",
        "voltage_source": "'cell', or 'working electrode' when the file has no potential of the counter electrode",
        "repairs": "factors that the user asked for, as text; absent when the file was taken as it is",
        "header": "the file's own header, as JSON",
    },
)

HALF_CYCLES = Stage(
    "half_cycles",
    "Every half cycle of a trace: when, which way, how much and how fast",
    variables={
        "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", required=True, kind="int"),
        "first_sample": Variable("half_cycle", ONE, "first sample", required=True, kind="int"),
        "last_sample": Variable("half_cycle", ONE, "last sample", required=True, kind="int"),
        "start_second": Variable("half_cycle", SECOND, "test time of the first sample", required=True),
        "end_second": Variable("half_cycle", SECOND, "test time of the last sample", required=True),
        "capacity_ah": Variable("half_cycle", AMPERE_HOUR, "charge passed, positive", required=True),
        "current_ampere": Variable("half_cycle", AMPERE, "median current while it flowed", required=True),
        "nominal_c_rate": Variable("half_cycle", PER_HOUR, "current over the stated capacity"),
        "measured_c_rate": Variable("half_cycle", PER_HOUR, "current over the capacity of this half cycle"),
        "mid_voltage_volt": Variable("half_cycle", VOLT, "voltage at half of the capacity"),
        "mid_voltage_std": Variable("half_cycle", VOLT, "standard deviation of the mid voltage"),
        "coulombic_efficiency": Variable(
            "half_cycle", ONE, "capacity of a lithiation over that of the delithiation before"
        ),
        "rest_second": Variable("half_cycle", SECOND, "length of the rest that followed"),
        "constant_voltage_ah": Variable("half_cycle", AMPERE_HOUR, "part of the charge passed at held voltage"),
        "final_current_ampere": Variable("half_cycle", AMPERE, "current at the end: the cut-off of a held voltage"),
        "current_density_ampere_per_square_metre": Variable(
            "half_cycle", AMPERE_PER_SQUARE_METRE, "current over the stated area of the electrode"
        ),
        "specific_capacity_ah_per_gram": Variable(
            "half_cycle", AMPERE_HOUR_PER_GRAM, "charge passed over the stated mass of active material"
        ),
    },
    coordinates={"half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int", required=True)},
    attributes={
        "nominal_capacity_ah": "the stated capacity that 1C passes in an hour",
        "nominal_capacity_std_ah": "its stated standard deviation",
        "rest_current_ampere": "current at or below which the cell was taken to rest",
        "charge_source": "'current' (integrated) or 'column' (as the file has it)",
    },
)

_HALF_CYCLE = {
    "half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int", required=True),
    "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", kind="int"),
    "c_rate": Variable("half_cycle", PER_HOUR, "nominal C-rate, or the measured one without a stated capacity"),
}

INCREMENTAL_CAPACITY = Stage(
    "incremental_capacity",
    "dQ/dV of every half cycle on one axis of voltage; its integral is the charge passed",
    variables={
        "incremental_capacity": Variable(
            "half_cycle voltage", AMPERE_HOUR_PER_VOLT, "charge passed per volt, whichever way the voltage ran"
        ),
        "incremental_capacity_std": Variable("half_cycle voltage", AMPERE_HOUR_PER_VOLT, "standard deviation of it"),
        "signed_incremental_capacity": Variable(
            "half_cycle voltage",
            AMPERE_HOUR_PER_VOLT,
            "the same, charge counted negative where the voltage ran against the direction of the half cycle",
        ),
        "capacity_ah": Variable("half_cycle", AMPERE_HOUR, "charge that the curve holds"),
    },
    coordinates={**_HALF_CYCLE, "voltage": Variable("voltage", VOLT, "voltage, centres of equal bins", required=True)},
    attributes={
        "voltage_width_volt": "standard deviation of the Gaussian that dQ/dV is smoothed by",
        "charge_width": "standard deviation of the Gaussian that voltage is smoothed by, as a share of the charge",
        "held_voltage": "whether charge passed at held voltage is part of the curve",
        "blank": "source of the blank electrode that was subtracted; absent otherwise",
    },
)

DIFFERENTIAL_VOLTAGE = Stage(
    "differential_voltage",
    "dV/dQ of every half cycle on equal shares of its charge; its integral is the change of the smoothed voltage",
    variables={
        "differential_voltage": Variable("half_cycle share", VOLT_PER_AMPERE_HOUR, "dV/dQ, charge counted positive"),
        "differential_voltage_std": Variable("half_cycle share", VOLT_PER_AMPERE_HOUR, "standard deviation of it"),
        "voltage_volt": Variable("half_cycle share", VOLT, "smoothed voltage"),
        "voltage_std": Variable("half_cycle share", VOLT, "standard deviation of it"),
        "capacity_ah": Variable("half_cycle", AMPERE_HOUR, "charge that the curve holds"),
    },
    coordinates={
        **_HALF_CYCLE,
        "share": Variable("share", ONE, "charge passed over that of the half cycle, centres of bins", required=True),
    },
    attributes={
        "charge_width": "standard deviation of the Gaussian that voltage is smoothed by, as a share of the charge",
        "held_voltage": "whether charge passed at held voltage is part of the curve",
    },
)

PEAK_TABLE = Stage(
    "peak_table",
    "Peaks of dQ/dV: where, how wide, how much charge",
    variables={
        "position_volt": Variable("peak", VOLT, "voltage of the peak", required=True),
        "position_std": Variable("peak", VOLT, "standard deviation of the position"),
        "height": Variable("peak", AMPERE_HOUR_PER_VOLT, "dQ/dV at the peak"),
        "height_std": Variable("peak", AMPERE_HOUR_PER_VOLT, "standard deviation of the height"),
        "width_volt": Variable("peak", VOLT, "full width at half height; NaN where a neighbour hides it"),
        "width_std": Variable("peak", VOLT, "standard deviation of the width"),
        "area_ah": Variable("peak", AMPERE_HOUR, "charge between the feet of the peak"),
        "area_std": Variable("peak", AMPERE_HOUR, "standard deviation of the area"),
        "foot_below_volt": Variable("peak", VOLT, "lower foot: the lowest place before the next peak"),
        "foot_above_volt": Variable("peak", VOLT, "upper foot"),
    },
    coordinates={
        "peak": Variable("peak", ONE, "number of the peak", kind="int", required=True),
        "half_cycle": Variable("peak", ONE, "number of the half cycle", kind="int", required=True),
        "direction": Variable("peak", ONE, "+1 lithiation, -1 delithiation", kind="int"),
    },
    attributes={
        "voltage_width_volt": "standard deviation of the Gaussian in dQ/dV; it is part of the widths",
        "charge_width": "standard deviation of the Gaussian that voltage is smoothed by, as a share of the charge",
        "replicates": "number of bootstrap replicates behind the standard deviations",
    },
)

RESISTANCE = Stage(
    "resistance",
    "Ohmic resistance between the electrodes, and the steps it was measured at",
    variables={
        "resistance_ohm": Variable("", OHM, "resistance that acts at once", required=True),
        "resistance_std": Variable("", OHM, "standard deviation of it"),
        "step_second": Variable("step", SECOND, "test time of the step of the current"),
        "step_current_ampere": Variable("step", AMPERE, "height of the step of the current"),
        "step_resistance_ohm": Variable("step", OHM, "resistance from one step"),
        "step_resistance_std": Variable("step", OHM, "standard deviation of it"),
    },
    coordinates={"step": Variable("step", ONE, "number of the step", kind="int")},
    attributes={
        "method": "'steps', 'stated' or 'impedance'",
        "time_scale_second": "what is faster than this after a step counts as ohmic",
        "extrapolation": "how the voltage after a step was led back to it",
    },
)

EQUILIBRIUM_VOLTAGE = Stage(
    "equilibrium_voltage",
    "Voltage without current: mean of slow half cycles of both directions, or a stated value",
    variables={
        "equilibrium_volt": Variable("lithium_share", VOLT, "mean of the two directions"),
        "equilibrium_std": Variable("lithium_share", VOLT, "random standard deviation of it"),
        "delithiation_volt": Variable("lithium_share", VOLT, "voltage of the delithiation"),
        "lithiation_volt": Variable("lithium_share", VOLT, "voltage of the lithiation"),
        "hysteresis_volt": Variable("lithium_share", VOLT, "delithiation less lithiation"),
        "plateau_volt": Variable("", VOLT, "equilibrium voltage at half of the capacity", required=True),
        "plateau_std": Variable("", VOLT, "standard deviation of it, that of the method included"),
        "plateau_gap_volt": Variable("", VOLT, "hysteresis at half of the capacity"),
        "plateau_gap_std": Variable("", VOLT, "random standard deviation of it"),
    },
    coordinates={
        "lithium_share": Variable(
            "lithium_share", ONE, "share of the lithium of the slow half cycle that is in: 1 full, 0 empty"
        )
    },
    attributes={
        "method": "'plateaus' or 'stated'",
        "delithiation": "half cycles of the delithiation",
        "lithiation": "half cycles of the lithiation",
        "c_rate": "C-rates of the half cycles, 1/h",
        "resistance_ohm": "resistance whose drop was taken out; 0 when none was",
    },
)

RATE_OVERPOTENTIAL = Stage(
    "rate_overpotential",
    "Overpotential at half of the capacity against C-rate, from galvanostatic half cycles",
    variables={
        "voltage_volt": Variable("half_cycle", VOLT, "voltage at half of the capacity, ohmic drop taken out"),
        "voltage_std": Variable("half_cycle", VOLT, "standard deviation of it"),
        "overpotential_volt": Variable("half_cycle", VOLT, "voltage less the reference, positive = delithiation"),
        "overpotential_std": Variable("half_cycle", VOLT, "random standard deviation of it"),
        "overpotential_shift": Variable("systematic half_cycle", VOLT, "signed shift by a named cause"),
        "overpotential_flag": Variable("half_cycle", ONE, "flags", kind="int"),
        "reference_volt": Variable("", VOLT, "mean of both directions at the lowest rate"),
        "reference_std": Variable("", VOLT, "standard deviation of it"),
    },
    coordinates={**_HALF_CYCLE, "systematic": Variable("systematic", ONE, "named cause of a shift", kind="string")},
    attributes={
        "at": "'composition' (half of the capacity at the lowest rate) or 'own' (half of each half cycle's own)",
        "capacity_ah": "capacity whose half is meant",
    },
)

_OF_THE_CELL = {
    "voltage_volt": (VOLT, "voltage of the cell"),
    "current_ampere": (AMPERE, "current, positive = delithiation"),
    "ohmic_drop_volt": (VOLT, "current times resistance"),
    "equilibrium_voltage_volt": (VOLT, "voltage without current: from low-rate plateaus or as stated"),
    "overpotential_volt": (VOLT, "voltage less ohmic drop less equilibrium voltage, positive = delithiation"),
    "c_rate": (PER_HOUR, "current over capacity, never negative"),
    "half_cycle_capacity_ah": (AMPERE_HOUR, "charge passed since the start of the half cycle"),
    "lithium_fraction": (ONE, "global composition from the charge passed"),
}


def _cell_variables(dim: str, when: str) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for name, (unit, meaning) in _OF_THE_CELL.items():
        found[name] = Variable(dim, unit, f"{meaning}, {when}")
        found[f"{name}_std"] = Variable(dim, unit, f"random standard deviation of the {name}")
        found[f"{name}_shift"] = Variable(f"systematic {dim}", unit, f"signed shift of the {name} by a named cause")
    found["cell_flag"] = Variable(dim, ONE, "flags", kind="int")
    return found


_WHICH = {
    "half_cycle": ("number of the half cycle; -1 at rest", "int"),
    "direction": ("+1 lithiation, -1 delithiation, 0 rest or unknown", "int"),
}

CELL_FRAMES = Stage(
    "cell_frames",
    "What the cell did at the time of each frame",
    variables=_cell_variables("time", "at the time of the frame"),
    coordinates={
        "time": Variable("time", SECOND, "seconds since the start of the study, mid-scan", required=True),
        "half_cycle": Variable("time", ONE, _WHICH["half_cycle"][0], kind="int"),
        "direction": Variable("time", ONE, _WHICH["direction"][0], kind="int"),
        "systematic": Variable("systematic", ONE, "named cause of a shift", kind="string"),
    },
    attributes={"clock": "how the clocks of images and trace were brought together"},
)

CELL_INTERVALS = Stage(
    "cell_intervals",
    "What the cell did between two frames: means over the interval",
    variables={
        **_cell_variables("interval", "mean over the interval"),
        "overpotential_spread_volt": Variable(
            "interval", VOLT, "standard deviation of the overpotential in time, within the interval"
        ),
    },
    coordinates={
        "time": Variable("interval", SECOND, "middle of the interval", required=True),
        "duration": Variable("interval", SECOND, "length of the interval", required=True),
        "before": Variable("interval", ONE, "index of the frame before", required=True, kind="int"),
        "after": Variable("interval", ONE, "index of the frame after", required=True, kind="int"),
        "half_cycle": Variable("interval", ONE, _WHICH["half_cycle"][0], kind="int"),
        "direction": Variable("interval", ONE, _WHICH["direction"][0], kind="int"),
        "systematic": Variable("systematic", ONE, "named cause of a shift", kind="string"),
    },
    attributes={"clock": "how the clocks of images and trace were brought together"},
)

CLOCK = Stage(
    "clock",
    "How the time of the images and the time of the potentiostat belong together: edges and the line through them",
    variables={
        "image_second": Variable("edge", SECOND, "time of the edge on the axis of the images", required=True),
        "image_second_std": Variable("edge", SECOND, "standard deviation of that time"),
        "trace_second": Variable("edge", SECOND, "test time of the same edge in the trace", required=True),
        "residual_second": Variable("edge", SECOND, "distance from the line"),
        "offset_second": Variable("", SECOND, "test time minus image time at the reference time", required=True),
        "offset_std": Variable("", SECOND, "standard deviation of the offset"),
        "drift": Variable(
            "", ONE, "seconds that the trace's clock gains per second of the images' clock", required=True
        ),
        "drift_std": Variable("", ONE, "standard deviation of the drift; NaN when it could not be known"),
        "reference_second": Variable("", SECOND, "image time at which the offset holds", required=True),
    },
    coordinates={"edge": Variable("edge", ONE, "number of the edge", kind="int")},
    attributes={"method": "edges, markers, absolute times or stated", "drift": "known, or why it is not"},
)

CELL_STAGES = (
    CELL_TRACE,
    HALF_CYCLES,
    INCREMENTAL_CAPACITY,
    DIFFERENTIAL_VOLTAGE,
    PEAK_TABLE,
    RESISTANCE,
    EQUILIBRIUM_VOLTAGE,
    RATE_OVERPOTENTIAL,
    CLOCK,
    CELL_FRAMES,
    CELL_INTERVALS,
)
