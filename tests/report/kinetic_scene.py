"""Synthetic stages of a cell and its kinetics: platelets with fast domains at 0.6C and 2C, both ways, 8 frames each.

Every pixel follows dx/dt = u(t) k(r) F(x) with F = 3 (1-x) sqrt(x (1-x)); u holds the mean rate at the C-rate.
"""

from __future__ import annotations

import numpy as np

from lithiscope import stages
from lithiscope.stages import flag_bit
from report.scene import NAMES, PIXEL, axes, platelets

RATES = (0.6, 0.6, 2.0, 2.0)  # 1/h
DIRECTIONS = (1, -1, 1, -1)
FRAMES = 8  # of a half cycle
REST = 600.0  # s between half cycles
SIGMA = 0.05  # of x per pixel
CAPACITY = 3e-9  # Ah
OFFSET = 130.0  # s that the potentiostat started before the microscope
K0 = 0.01  # A/m2
TO_CURRENT = 1.602e-19 * 1.38e28 / 3600 * 150e-9 / 2  # A/m2 per 1/h


RESULT_NAMES = (
    "cell_trace", "half_cycles", "clock", "cell_frames", "rates", "rate_table", "domains", "uniformity", "law_fit",
    "channels", "evidence", "line_cuts", "surfaces", "incremental_capacity", "peaks", "rate_overpotential",
)  # fmt: skip


def skewed(x):
    x = np.clip(x, 1e-4, 1 - 1e-4)
    return 3 * (1 - x) * np.sqrt(x * (1 - x))


def rate_constants(label):
    row, column = np.indices(label.shape)
    fast = (np.hypot(row - 16, column - 13) < 6) | (np.hypot(row - 38, column - 57) < 6)
    fast |= np.hypot(row - 46, column - 12) < 4
    return np.where(fast, 2.2, 1.0), fast & (label > 0)


def evolution(label):
    """Return times (s), x (frame, y, x), half cycle and true rate (interval, y, x) by small steps in time."""
    k, _ = rate_constants(label)
    inside = label > 0
    x = np.full(label.shape, 0.03)
    clock, times, pictures, half = 0.0, [], [], []
    for number, (rate, direction) in enumerate(zip(RATES, DIRECTIONS, strict=True)):
        length = 0.94 / rate * 3600
        marks = np.linspace(0.02, 0.98, FRAMES) * length
        step = length / 400
        passed = 0.0
        for mark in marks:
            while passed < mark:
                speed = k * skewed(x)
                speed *= rate / speed[inside].mean()
                x = np.clip(x + direction * speed * step / 3600, 0.005, 0.995)
                passed += step
            times.append(clock + mark)
            pictures.append(x.copy())
            half.append(number)
        clock += length + REST
    return np.array(times), np.array(pictures), np.array(half)


def clocks(half):
    return {
        "half_cycle": ("time", half),
        "direction": ("time", np.array(DIRECTIONS)[half]),
        "cycle": ("time", half // 2),
    }


def make_video(label, times, x, half):
    random = np.random.default_rng(3)
    noisy = x + SIGMA * random.standard_normal(x.shape)
    flag = np.where(label == 0, flag_bit("no_material"), 0) * np.ones((len(x), 1, 1), int)
    flag[3, 14:16, 8:30] |= flag_bit("missing")
    amount = np.where(label == 0, 0.01, 1.0) + 0.02 * random.standard_normal(x.shape)
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", stages.blank_fatal(noisy, flag)),
            "lithium_fraction_std": ("time y x", stages.blank_fatal(np.full(x.shape, SIGMA), flag)),
            "lithium_fraction_flag": ("time y x", flag),
            "amount": ("time y x", amount),
        },
        coords={**axes(label.shape), "time": ("time", times), **clocks(half)},
        attrs={"signal": "lithium_fraction"},
    )


def make_table(video, label):
    x = video["lithium_fraction"].values.astype(float)
    numbers = np.arange(1, len(NAMES) + 1)
    mean = np.stack([np.nanmean(x[:, label == n], axis=1) for n in numbers])
    count = np.array([(label == n).sum() for n in numbers])
    spread = np.stack([np.nanstd(x[:, label == n], axis=1) for n in numbers])
    return stages.new(
        "particle_table",
        {
            "lithium_fraction": ("particle time", mean),
            "lithium_fraction_std": ("particle time", SIGMA / np.sqrt(count)[:, None] * np.ones_like(mean)),
            "spread": ("particle time", spread),
            "noise_spread": ("particle time", np.full(mean.shape, SIGMA)),
            "area": ("particle", count * PIXEL**2),
            "pixel_count": ("particle", count),
            "thickness": ("particle", np.full(3, 150.0)),
        },
        coords={**{k: (v[0], v[1]) for k, v in timing(video).items()}, "particle": ("particle", np.array(NAMES)),
                "label": ("particle", numbers)},
    )  # fmt: skip


def timing(video):
    return {name: ("time", video[name].values) for name in ("time", "half_cycle", "direction", "cycle")}


def intervals(video):
    time, half = video["time"].values, video["half_cycle"].values
    same = half[1:] == half[:-1]
    direction = np.where(same, video["direction"].values[1:], 0)
    return {
        "time": ("interval", (time[1:] + time[:-1]) / 2),
        "duration": ("interval", np.diff(time)),
        "before": ("interval", np.arange(time.size - 1)),
        "after": ("interval", np.arange(1, time.size)),
        "half_cycle": ("interval", np.where(same, half[1:], -1)),
        "direction": ("interval", direction),
    }


def make_rates(video, label):
    x = video["lithium_fraction"].values.astype(float)
    hours = np.diff(video["time"].values)[:, None, None] / 3600
    flag = video["lithium_fraction_flag"].values
    flag = flag[1:] | flag[:-1]
    rate = np.diff(x, axis=0) / hours
    std = np.sqrt(2) * SIGMA / hours * np.ones_like(rate)
    current = -TO_CURRENT * rate
    eta = -np.array([0, *intervals(video)["direction"][1]])[1:] * 0.05
    with np.errstate(divide="ignore", invalid="ignore"):
        exchange = np.where(eta[:, None, None] == 0, np.nan, current * 0.02569 / eta[:, None, None])
    lost = np.where(np.isnan(exchange) & (flag == 0), flag_bit("excluded"), 0) | flag

    def blank(values, bits=flag):
        return stages.blank_fatal(values, bits)

    return stages.new(
        "rate_video",
        {
            "insertion_rate": ("interval y x", blank(rate)),
            "insertion_rate_std": ("interval y x", blank(std)),
            "insertion_rate_flag": ("interval y x", flag),
            "current_density": ("interval y x", blank(current)),
            "current_density_std": ("interval y x", blank(TO_CURRENT * std)),
            "current_density_flag": ("interval y x", flag),
            "exchange_current_density": ("interval y x", blank(exchange, lost)),
            "exchange_current_density_std": ("interval y x", blank(TO_CURRENT * std * 0.51, lost)),
            "exchange_current_density_flag": ("interval y x", lost),
            "noise_gain": ("interval", np.full(len(rate), 0.85)),
            "label": ("y x", label),
            "overpotential_volt": ("interval", eta),
        },
        coords={**axes(label.shape), **intervals(video)},
        attrs={"faces": 2, "law": "linear", "range_of_1c": 1.0},
    )


def make_rate_table(rates, label, video):
    numbers = np.arange(1, 4)
    x = video["lithium_fraction"].values
    middle = [np.nanmean((x[1:] + x[:-1])[:, label == n], axis=1) / 2 for n in numbers]
    rate = np.stack([np.nanmean(rates["insertion_rate"].values[:, label == n], axis=1) for n in numbers])
    std = np.stack([rates["insertion_rate_std"].values[:, label == n][:, 0] / 0.85 / np.sqrt((label == n).sum())
                    for n in numbers])  # fmt: skip
    half = rates["half_cycle"].values
    applied = np.where(half < 0, np.nan, np.array(RATES)[half])
    return stages.new(
        "rate_table",
        {
            "lithium_fraction": ("particle interval", np.stack(middle)),
            "insertion_rate": ("particle interval", rate),
            "insertion_rate_std": ("particle interval", std),
            "c_rate": ("particle interval", np.abs(rate)),
            "c_rate_std": ("particle interval", std),
            "current_density": ("particle interval", -TO_CURRENT * rate),
            "current_density_std": ("particle interval", TO_CURRENT * std),
            "overpotential_volt": ("interval", rates["overpotential_volt"].values),
            "applied_c_rate": ("interval", applied),
            "thickness": ("particle", np.full(3, 150.0)),
            "pixel_count": ("particle", [(label == n).sum() for n in numbers]),
        },
        coords={**{k: ("interval", rates[k].values) for k in intervals_of(rates)},
                "particle": ("particle", np.array(NAMES))},
        attrs={"law": "linear", "range_of_1c": 1.0},
    )  # fmt: skip


def intervals_of(rates):
    return [name for name in ("time", "duration", "before", "after", "half_cycle", "direction") if name in rates.coords]


def make_domains(video, label):
    _, fast = rate_constants(label)
    domain = np.where(label == 0, 0, np.where(fast, 1, 2))
    share = np.array([[fast[label == n].mean()] * video.sizes["time"] for n in (1, 2, 3)])
    return stages.new(
        "domain_video",
        {
            "domain": ("time y x", np.broadcast_to(domain, (video.sizes["time"], *label.shape))),
            "fast_fraction": ("particle time", share),
            "contrast": ("particle time", np.full(share.shape, 0.3)),
            "contrast_noise": ("particle time", np.full(share.shape, 0.08)),
            "persistent": ("half_cycle y x", np.broadcast_to(fast * 1.0, (4, *label.shape))),
            "label": ("y x", label),
        },
        coords={"time": ("time", video["time"].values), "half_cycle": ("half_cycle", np.arange(4)),
                "direction": ("half_cycle", np.array(DIRECTIONS)), **axes(label.shape),
                "particle": ("particle", np.array(NAMES))},
    )  # fmt: skip


def make_uniformity(table):
    half, mean = table["half_cycle"].values, table["lithium_fraction"].values
    value, plain = np.empty((3, 4)), np.empty((3, 4))
    for p in range(3):
        for h in range(4):
            m = mean[p, half == h]
            binary = m * (1 - m)
            spread = table["spread"].values[p, half == h] ** 2
            value[p, h] = 1 - np.sqrt(max((binary * (spread - SIGMA**2)).sum() / (binary**2).sum(), 0))
            plain[p, h] = 1 - np.sqrt((binary * spread).sum() / (binary**2).sum())
    return stages.new(
        "uniformity_table",
        {
            "uniformity": ("particle half_cycle", value),
            "uniformity_std": ("particle half_cycle", np.full((3, 4), 0.012)),
            "uniformity_flag": ("particle half_cycle", np.zeros((3, 4), int)),
            "uncorrected": ("particle half_cycle", plain),
            "noise": ("particle half_cycle", np.full((3, 4), SIGMA)),
            "frame_count": ("particle half_cycle", np.full((3, 4), FRAMES)),
        },
        coords={"particle": ("particle", np.array(NAMES)), "half_cycle": ("half_cycle", np.arange(4)),
                "direction": ("half_cycle", np.array(DIRECTIONS)), "applied_c_rate": ("half_cycle", np.array(RATES))},
    )  # fmt: skip


def make_law_fit(points=14, particles=5):
    random = np.random.default_rng(9)
    x = np.tile(np.linspace(0.06, 0.95, points), particles)
    names = np.repeat([f"P{n:02d}" for n in range(1, particles + 1)], points)
    std = 0.0006 + 0.05 * K0 * skewed(x)
    k = np.repeat(1 + 0.08 * random.standard_normal(particles), points)
    grid = np.linspace(0.005, 0.995, 199)
    fit = np.stack([K0 * skewed(grid), 0.9 * K0 * 2 * np.sqrt(grid * (1 - grid))])
    return stages.new(
        "law_fit",
        {
            "lithium_fraction": ("point", x + 0.01 * random.standard_normal(x.size)),
            "lithium_fraction_std": ("point", np.full(x.size, 0.015)),
            "exchange_current_density": ("point", k * K0 * skewed(x) + std * random.standard_normal(x.size)),
            "exchange_current_density_std": ("point", std),
            "used": ("point", (x > 0.08) & (x < 0.93)),
            "x_grid": ("grid", grid),
            "fit": ("law grid", fit),
            "fit_std": ("law grid", 0.03 * fit),
            "rate_constant": ("law", [K0, 0.9 * K0]),
            "rate_constant_std": ("law", [0.03 * K0, 0.027 * K0]),
            "rate_constant_shift": ("systematic law", np.array([[1.0, 1.0], [0.08, 0.08], [0.057, 0.057]]) * K0),
            "chi_square": ("law", [66.0, 911.0]),
            "log_likelihood": ("law", [402.0, 11.0]),
            "peak_position": ("law", [0.25, 0.5]),
            "peak_position_std": ("law", [0.012, 0.01]),
        },
        coords={"law": ("law", ["skewed_lim", "symmetric"]), "particle": ("point", names),
                "direction": ("point", np.where(np.arange(x.size) % 2, 1, -1)),
                "systematic": ("systematic", ["inactive_face", "resistance", "attenuation_table"])},
        attrs={"degrees_of_freedom": 64, "preferred": "skewed_lim"},
    )  # fmt: skip


def make_channels(count=22):
    """A [100] platelet like that of Koo 2023 at 0.15C: both directions, three intervals each."""
    random = np.random.default_rng(21)
    place = np.arange(count)
    surface = np.stack([0.2 + 0.1 * k + 0.25 * np.sin(place / 4 + d) for d in (0, 2) for k in range(3)]).clip(
        0.04, 0.96
    )
    direction = np.repeat([1, -1], 3)
    eta = -0.04 * direction
    exchange = K0 * skewed(surface) * (1 + 0.05 * random.standard_normal(surface.shape))
    current = exchange * eta[:, None] / 0.02569
    time = 600.0 + 1200 * np.arange(6)
    std = np.full(surface.shape, 0.0006)
    return stages.new(
        "channel_table",
        {
            "current_density": ("interval channel", current),
            "current_density_std": ("interval channel", std),
            "exchange_current_density": ("interval channel", exchange),
            "exchange_current_density_std": ("interval channel", std * 0.6),
            "surface_lithium_fraction": ("interval channel", surface),
            "surface_lithium_fraction_std": ("interval channel", np.full(surface.shape, 0.03)),
            "surface_lithium_fraction_shift": ("systematic interval channel", np.full((1, *surface.shape), 0.04)),
            "internal_lithium_fraction": ("interval channel", (surface + 0.1).clip(0, 1)),
            "normalised_exchange_current": ("interval channel", exchange / K0),
            "position": ("channel", 0.04 * place),
            "length": ("channel", np.full(count, 400.0)),
            "pixel_count": ("channel", np.full(count, 10)),
            "overpotential_volt": ("interval", eta),
        },
        coords={
            "time": ("interval", time),
            "duration": ("interval", np.full(6, 1200.0)),
            "before": ("interval", np.arange(6)),
            "after": ("interval", np.arange(1, 7)),
            "half_cycle": ("interval", np.repeat([0, 1], 3)),
            "direction": ("interval", direction),
            "systematic": ("systematic", ["surface_average"]),
            "channel": ("channel", place + 1),
            "particle": ("channel", np.full(count, "K01")),
        },
        attrs={"axis": "0.0"},
    )


SRL, BDL, OPEN = "surface-reaction-limited", "bulk-diffusion-limited", "not decidable"


def make_evidence():
    return stages.new(
        "evidence_table",
        {
            "value": ("evidence", [820.0, 0.02, 0.31, 0.47]),
            "value_std": ("evidence", [260.0, 0.03, 0.05, 0.09]),
            "low": ("evidence", [310.0, -0.04, 0.21, 0.29]),
            "high": ("evidence", [1330.0, 0.08, 0.41, 0.65]),
            "boundary": ("evidence", [1.0, 0.5, 0.1, 0.5]),
            "probability": ("evidence", [0.998, 0.99, 0.93, 0.61]),
            "verdict": ("evidence", [SRL, SRL, SRL, OPEN]),
            "meaning": (
                "evidence",
                ["reaction time over diffusion time along the channel", "depletion of the end of the channel in x",
                 "width of the gradient, um, against the resolution",
                 "place of the reaction front, share of the channel"],
            ),
        },
        coords={"evidence": ("evidence", ["times", "depletion", "gradient width", "front position"])},
        attrs={"verdict": SRL, "confidence": "three of four pieces agree; the front alone does not decide"},
    )  # fmt: skip


def make_cases():
    """Evidence of two particles in two half cycles: the second particle has no j0 in the first."""
    shape, pieces = (2, 2), 2
    three = {"tau_bulk": (200.0, 400.0, 800.0), "tau_reaction": (3e4, 4e4, 5e4), "tau_process": (3e3, 3.5e3, 4e3)}
    times = {}
    for name, ends in three.items():
        for end, value in zip(("_low", "", "_high"), ends, strict=True):
            times[f"{name}{end}"] = ("particle half_cycle", np.full(shape, value))
    times["tau_bulk_low"][1][0, 1] = 0.0  # the noise hides the gradient
    for end in ("_low", "", "_high"):
        times[f"tau_reaction{end}"][1][1, 0] = np.nan
    value = np.tile([2.0, 0.05], (2, 2, 1))
    value[1, 0, 0] = np.nan
    dims = "particle half_cycle evidence"
    verdict = np.where(np.isnan(value), OPEN, SRL)
    return stages.new(
        "evidence_table",
        {
            "value": (dims, value),
            "value_std": (dims, 0.1 * np.abs(value)),
            "low": (dims, value - 0.2),
            "high": (dims, value + np.array([1.5, 0.2])),
            "boundary": (dims, np.zeros((*shape, pieces))),
            "probability": (dims, np.full((*shape, pieces), 0.99)),
            "verdict": (dims, verdict),
            "meaning": (dims, np.full((*shape, pieces), "a figure")),
            "overall_verdict": ("particle half_cycle", np.array([[SRL, SRL], [OPEN, OPEN]])),
            "overall_confidence": ("particle half_cycle", np.full(shape, "two of two pieces")),
            "exchange_current_density": ("particle half_cycle", np.full(shape, 0.01)),
            "exchange_current_density_std": ("particle half_cycle", np.full(shape, 0.002)),
            "exchange_current_source": (
                "particle half_cycle", np.array([["half cycle 1", "stated"], ["none", "stated"]])
            ),
            **times,
        },
        coords={
            "evidence": ("evidence", ["measured_ratio_of_times", "surface_depletion"]),
            "particle": ("particle", ["p01", "p02"]),
            "half_cycle": ("half_cycle", [0, 1]),
            "direction": ("half_cycle", [1, -1]),
        },
        attrs={"verdict": OPEN, "confidence": "2 of 4 cases are surface-reaction-limited", "band": 3.0},
    )  # fmt: skip


def make_channel_cuts():
    """Three channels of ten pixels in each of two particles, four frames each way; x = t/5 plus 0.1 at the faces."""
    along = (np.arange(10) + 0.5) * 0.04
    rise = np.where((np.arange(10) == 0) | (np.arange(10) == 9), 0.1, 0.0)
    level = np.array([0.1, 0.3, 0.5, 0.7, 0.7, 0.5, 0.3, 0.1])
    x = level[:, None] + np.tile(rise, 6)
    return stages.new(
        "line_cuts",
        {
            "lithium_fraction": ("time sample", x),
            "lithium_fraction_std": ("time sample", np.full(x.shape, 0.05)),
            "lithium_fraction_flag": ("time sample", np.zeros(x.shape)),
        },
        coords={
            "time": ("time", 600.0 * np.arange(8)),
            "half_cycle": ("time", np.repeat([0, 1], 4)),
            "direction": ("time", np.repeat([1, -1], 4)),
            "line": ("sample", np.repeat([f"p0{k // 3 + 1} channel {k}" for k in range(6)], 10)),
            "particle": ("sample", np.repeat(["p01", "p02"], 30)),
            "distance": ("sample", np.tile(along, 6)),
        },
    )


def make_pooled(quantity, values, counts=(7, 9, 6, 8), rates=RATES, directions=DIRECTIONS):
    values = np.asarray(values, float)
    return stages.new(
        "pooled",
        {
            "value": ("group", values),
            "value_std": ("group", np.full(values.size, 0.02)),
            "low": ("group", values - 0.05),
            "high": ("group", values + 0.03),
            "c_rate": ("group", np.array(rates)),
            "direction": ("group", np.array(directions)),
            "particle_count": ("group", np.array(counts)),
        },
        coords={"group": ("group", [f"g{n}" for n in range(values.size)])},
        attrs={"quantity": quantity},
    )


def voltage_of(x, direction, rate):
    x = np.clip(x, 0.004, 0.996)
    return (
        3.424
        - 0.0257 * (np.log(x / (1 - x)) + 1.6 * (1 - 2 * x))
        - direction * 0.055 * rate ** np.where(direction > 0, 0.85, 0.6)
    )


def make_trace(samples=500):
    """Voltage and current of the four half cycles with rests, on the potentiostat's own clock."""
    rows = {"time": [], "voltage": [], "current": [], "half": []}
    clock, x = OFFSET, 0.03
    rows["time"] += [0.0, OFFSET - 1]
    rows["voltage"] += [3.49, 3.49]
    rows["current"] += [0.0, 0.0]
    rows["half"] += [-1, -1]
    for number, (rate, direction) in enumerate(zip(RATES, DIRECTIONS, strict=True)):
        length = 0.94 / rate * 3600
        passed = np.linspace(0, length, samples)
        path = x + direction * rate * passed / 3600
        rows["time"] += list(clock + passed)
        rows["voltage"] += list(voltage_of(path, direction, rate))
        rows["current"] += [-direction * rate * CAPACITY] * samples
        rows["half"] += [number] * samples
        x = path[-1]
        rest = clock + length + np.linspace(5, REST - 5, 30)
        rows["time"] += list(rest)
        rows["voltage"] += list(voltage_of(x, 0, 1) + 0.03 * np.exp(-np.linspace(0, 4, 30)))
        rows["current"] += [0.0] * 30
        rows["half"] += [-1] * 30
        clock += length + REST
    return stages.new(
        "cell_trace",
        {
            "test_time_second": ("sample", rows["time"]),
            "voltage_volt": ("sample", rows["voltage"]),
            "current_ampere": ("sample", rows["current"]),
            "half_cycle_count": ("sample", rows["half"]),
        },
        coords={"sample": ("sample", np.arange(len(rows["time"])))},
        attrs={"source": "cell.mpt", "technique": "GCPL"},
    )


def make_half_cycles(trace):
    half, time = trace["half_cycle_count"].values, trace["test_time_second"].values
    first = [int(np.flatnonzero(half == h)[0]) for h in range(4)]
    last = [int(np.flatnonzero(half == h)[-1]) for h in range(4)]
    rates, directions = np.array(RATES), np.array(DIRECTIONS)
    middle = [float(voltage_of(0.5, d, r)) for d, r in zip(DIRECTIONS, RATES, strict=True)]
    return stages.new(
        "half_cycles",
        {
            "direction": ("half_cycle", directions),
            "first_sample": ("half_cycle", first),
            "last_sample": ("half_cycle", last),
            "start_second": ("half_cycle", time[first]),
            "end_second": ("half_cycle", time[last]),
            "capacity_ah": ("half_cycle", np.full(4, 0.94 * CAPACITY)),
            "current_ampere": ("half_cycle", -directions * rates * CAPACITY),
            "nominal_c_rate": ("half_cycle", rates),
            "measured_c_rate": ("half_cycle", rates / 0.94),
            "mid_voltage_volt": ("half_cycle", middle),
            "mid_voltage_std": ("half_cycle", np.full(4, 0.0004)),
        },
        coords={"half_cycle": ("half_cycle", np.arange(4))},
        attrs={"nominal_capacity_ah": CAPACITY},
    )  # fmt: skip


def make_clock():
    image = np.array([0.0, 5640.0, 6240.0, 11880.0])
    return stages.new(
        "clock",
        {
            "image_second": ("edge", image),
            "image_second_std": ("edge", np.full(4, 4.0)),
            "trace_second": ("edge", image + OFFSET + np.array([1.0, -3.0, 2.5, 0.2])),
            "residual_second": ("edge", [1.0, -3.0, 2.5, 0.2]),
            "offset_second": ("", OFFSET),
            "offset_std": ("", 2.0),
            "drift": ("", 0.0),
            "drift_std": ("", 4e-4),
            "reference_second": ("", 6000.0),
        },
        coords={"edge": ("edge", np.arange(4))},
        attrs={"method": "edges", "drift": "known"},
    )


def make_cell_frames(video, trace):
    """Voltage and charge of the trace at the frames, the clocks apart by OFFSET."""
    direction, half = video["direction"].values, video["half_cycle"].values
    rate = np.array(RATES)[half]
    test = video["time"].values + OFFSET
    voltage = np.interp(test, trace["test_time_second"].values, trace["voltage_volt"].values)
    starts = np.array([trace["test_time_second"].values[trace["half_cycle_count"].values == h][0] for h in range(4)])
    x = np.where(direction > 0, 0.03, 0.97) + direction * rate * (test - starts[half]) / 3600
    return stages.new(
        "cell_frames",
        {
            "voltage_volt": ("time", voltage),
            "current_ampere": ("time", -direction * rate * CAPACITY),
            "overpotential_volt": ("time", voltage - 3.424),
            "c_rate": ("time", rate),
            "lithium_fraction": ("time", x),
            "cell_flag": ("time", np.zeros(x.size, int)),
        },
        coords={k: v for k, v in timing(video).items() if k != "cycle"},
        attrs={"clock": "edges"},
    )


def make_all():
    label = platelets()
    times, x, half = evolution(label)
    video = make_video(label, times, x, half)
    table = make_table(video, label)
    rates = make_rates(video, label)
    trace = make_trace()
    half_cycles = make_half_cycles(trace)
    curves, peaks = make_derivative(half_cycles)
    return {
        "video": video,
        "table": table,
        "cell_trace": trace,
        "half_cycles": half_cycles,
        "clock": make_clock(),
        "cell_frames": make_cell_frames(video, trace),
        "rates": rates,
        "rate_table": make_rate_table(rates, label, video),
        "domains": make_domains(video, label),
        "uniformity": make_uniformity(table),
        "law_fit": make_law_fit(),
        "channels": make_channels(),
        "evidence": make_evidence(),
        "line_cuts": make_line_cuts(video),
        "surfaces": make_surfaces(),
        "incremental_capacity": curves,
        "peaks": peaks,
        "rate_overpotential": make_overpotential(half_cycles),
    }


def make_line_cuts(video):
    """Two horizontal cuts, through the second and the first particle."""
    rows, columns = (40, 18), (np.arange(35, 66), np.arange(3, 30))
    x = np.concatenate([video["lithium_fraction"].values[:, r, c] for r, c in zip(rows, columns, strict=True)], axis=1)
    return stages.new(
        "line_cuts",
        {"lithium_fraction": ("time sample", x), "lithium_fraction_std": ("time sample", np.full(x.shape, SIGMA))},
        coords={
            **{k: v for k, v in timing(video).items() if k != "cycle"},
            "line": ("sample", np.repeat(["A", "B"], [c.size for c in columns])),
            "distance": ("sample", np.concatenate([PIXEL * (c - c[0]) for c in columns])),
        },
    )


def make_derivative(half_cycles):
    """dQ/dV of the four half cycles: one Gaussian peak each, whose area is the capacity."""
    voltage = np.linspace(3.2, 3.65, 226)
    middle, width = half_cycles["mid_voltage_volt"].values, 0.012
    curve = np.exp(-((voltage - middle[:, None]) ** 2) / (2 * width**2)) / np.sqrt(2 * np.pi) / width
    curve *= half_cycles["capacity_ah"].values[:, None]
    coords = {
        "half_cycle": ("half_cycle", np.arange(4)),
        "direction": ("half_cycle", np.array(DIRECTIONS)),
        "c_rate": ("half_cycle", np.array(RATES)),
    }
    curves = stages.new(
        "incremental_capacity",
        {
            "incremental_capacity": ("half_cycle voltage", curve),
            "incremental_capacity_std": ("half_cycle voltage", 0.03 * curve + 1e-9),
        },
        coords={**coords, "voltage": ("voltage", voltage)},
    )
    peaks = stages.new(
        "peak_table",
        {
            "position_volt": ("peak", middle),
            "position_std": ("peak", np.full(4, 0.003)),
            "height": ("peak", curve.max(axis=1)),
            "height_std": ("peak", 0.04 * curve.max(axis=1)),
        },
        coords={"peak": ("peak", np.arange(4)), "half_cycle": ("peak", np.arange(4)),
                "direction": ("peak", np.array(DIRECTIONS))},
    )  # fmt: skip
    return curves, peaks


def make_overpotential(half_cycles):
    eta = half_cycles["mid_voltage_volt"].values - 3.424
    return stages.new(
        "rate_overpotential",
        {
            "overpotential_volt": ("half_cycle", eta),
            "overpotential_std": ("half_cycle", np.full(4, 0.0006)),
            "overpotential_shift": ("systematic half_cycle", 0.05 * eta[None]),
            "overpotential_flag": ("half_cycle", np.zeros(4, int)),
            "reference_volt": ("", 3.424),
        },
        coords={
            "half_cycle": ("half_cycle", np.arange(4)),
            "direction": ("half_cycle", np.array(DIRECTIONS)),
            "c_rate": ("half_cycle", np.array(RATES)),
            "systematic": ("systematic", ["resistance"]),
        },
    )


def make_surfaces():
    """Six particles in four half cycles at a mean x of 0.5; surface richer on lithiation the faster it goes."""
    random = np.random.default_rng(8)
    direction, rate = np.array(DIRECTIONS), np.array(RATES)
    middle = 0.5 + direction * (0.04 + 0.05 * np.log2(rate + 1))
    surface = middle + 0.03 * random.standard_normal((6, 4))
    names = {
        "surface_lithium_fraction": surface,
        "internal_lithium_fraction": 1 - surface,
        "active_fraction": np.full((6, 4), 0.5) + 0.18 * np.log2(rate),
        "transformed_fraction": 0.05 + 0 * surface,
    }
    return stages.new(
        "surface_table",
        {
            key: value
            for name, values in names.items()
            for key, value in {
                name: ("particle half_cycle", values),
                f"{name}_std": ("particle half_cycle", np.full((6, 4), 0.02)),
            }.items()
        },
        coords={
            "particle": ("particle", [f"K{n}" for n in range(6)]),
            "half_cycle": ("half_cycle", np.arange(4)),
            "direction": ("half_cycle", direction),
        },
        attrs={"state_of_charge": 0.5},
    )
