"""Platelets with two fast domains under a galvanostat, in closed form: composition, overpotential, exchange current.

dx/dt = -2 j/(e rho_s Th) with j = k0 k(r) F(x) r(eta). With S = integral |r(eta)| dt and c = 2 k0 k/(e rho_s Th):
skewed F = 3 (1-x) sqrt(x(1-x)): s = sqrt(x/(1-x)) obeys ds/dS = +-3/2 c; symmetric F = 2 sqrt(x(1-x)): x = sin^2 theta
with dtheta/dS = +-c. S(t) follows from the mean composition of a large electrode, which the galvanostat makes linear
in time, and eta from dS/dt. Nothing of lithiscope is used but the stages.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from lithiscope import stages

PIXEL = 0.05  # um
CHARGE, SITES, VOLT = 1.602176634e-19, 1.38e28, 1.380649e-23 * 298.15 / 1.602176634e-19
K0, THICKNESS = 0.01, 150.0  # A/m2, nm
PER_HOUR = 2 * K0 * 3600 / (CHARGE * SITES * THICKNESS * 1e-9)  # dx/dt for F = 1, r = 1
START = {1: 0.03, -1: 0.95}
# eta (kT/e) of a net rate r = j/j0.
OVERPOTENTIAL = {"linear": lambda r: r, "butler_volmer": lambda r: 2 * np.arcsinh(r / 2)}


def exchange(x, law="skewed"):
    """F(x)."""
    return {"skewed": 3 * (1 - x), "symmetric": 2.0}[law] * np.sqrt(x * (1 - x))


def composition(start, direction, c, S, law="skewed"):
    if law == "skewed":
        s = np.maximum(np.sqrt(start / (1 - start)) + direction * 1.5 * c * S, 0)
        return s**2 / (1 + s**2)
    return np.sin(np.clip(np.arcsin(np.sqrt(start)) + direction * c * S, 0, np.pi / 2)) ** 2


def galvanostat(direction, c_rate, law, spread, ends=(0.08, 0.9)):
    """Dense times (h) from the start of a half cycle, S there, and |r(eta)|: the mean composition is linear in time."""
    k = np.exp(spread * np.linspace(-4, 4, 161))
    weight = np.exp(-0.5 * np.linspace(-4, 4, 161) ** 2)
    weight /= weight.sum()
    S = np.concatenate([[0], np.geomspace(1e-4, 3e3, 6000)]) / PER_HOUR
    mean = weight @ composition(START[direction], direction, PER_HOUR * k[:, None], S, law)
    low, high = ends if direction > 0 else ends[::-1]
    time = np.linspace(0, abs(high - low) / c_rate, 4001)
    found = np.interp(direction * (low + direction * c_rate * time), direction * mean, S)
    return time, found, np.gradient(found, time)


def platelet(shape=(30, 26)):
    y, x = np.indices(shape)
    return ((y - 14.5) / 13.5) ** 2 + ((x - 12.5) / 11.5) ** 2 <= 1


def fast_domains(shape=(30, 26)):
    """Two ellipses of about 110 and 100 pixels."""
    y, x = np.indices(shape)
    return (((y - 8) / 6.5) ** 2 + ((x - 10) / 5.5) ** 2 <= 1) | (((y - 20.5) / 5.5) ** 2 + ((x - 14) / 6) ** 2 <= 1)


def rate_field(particles, fast, slow, scatter, rng):
    """Label, relative rates (y, x), fast mask, and the rate of every particle's fast domains, side by side."""
    mask, domain = platelet(), fast_domains()
    factor = np.exp(scatter * rng.standard_normal(particles) - scatter**2 / 2)
    k = np.hstack([np.where(domain, fast, slow) * f for f in factor])
    label = np.hstack([mask * (n + 1) for n in range(particles)])
    return label, k, np.hstack([domain & mask] * particles), fast * factor


def experiment(
    *,
    particles=6,
    frames=9,
    sigma=0.065,
    c_rate=0.3,
    law="skewed",
    reaction="linear",
    fast=1.5,
    slow=0.5,
    scatter=0.1,
    spread=0.45,
    cycles=1,
    seed=0,
    eta_std=0.0,
    frame_std=0.0,
    gain=1.0,
):
    """Return (video, labels, intervals, truth): one lithiation and one delithiation per cycle, `frames` frames each.

    truth: x (time, y, x), fast (y, x), k (y, x) relative rates, k0 of the fast domains by particle, exchange (y, x)
    function of x.
    """
    rng = np.random.default_rng(seed)
    label, k, domain, factors = rate_field(particles, fast, slow, scatter, rng)
    inside = label > 0
    inverse = OVERPOTENTIAL[reaction]
    clock, x, time, direction, half, eta = 0.0, [], [], [], [], []
    for number in range(2 * cycles):
        sign = 1 if number % 2 == 0 else -1
        dense, S, r = galvanostat(sign, c_rate, law, spread)
        when = np.linspace(dense[2], dense[-3], frames)
        at = np.interp(when, dense, S)
        frame = np.full((frames, *label.shape), np.nan)
        frame[:, inside] = composition(START[sign], sign, PER_HOUR * k[inside], at[:, None], law)
        x.append(frame)
        u = inverse(r)
        passed = np.concatenate([[0], np.cumsum((u[1:] + u[:-1]) / 2 * np.diff(dense))])
        eta += [*(-sign * VOLT * np.diff(np.interp(when, dense, passed)) / np.diff(when)), np.nan]
        time += list(clock + when * 3600)
        clock += dense[-1] * 3600 + 3600
        direction += [sign] * frames
        half += [number] * frames
    true = np.concatenate(x)
    noisy = true + sigma * rng.standard_normal(true.shape) + frame_std * rng.standard_normal(len(true))[:, None, None]
    video = as_video(noisy, sigma, label, time, half, direction, frame_std=frame_std, gain=gain)
    measured = np.array(eta[:-1]) + eta_std * rng.standard_normal(len(eta) - 1)
    truth = {"x": true, "fast": domain, "k": k, "k0": K0 * factors, "exchange": lambda x: exchange(x, law)}
    return video, as_labels(label), as_intervals(time, half, direction, measured, eta_std, c_rate), truth


def _space(shape):
    return {"y": PIXEL * np.arange(shape[0]), "x": PIXEL * np.arange(shape[1])}


def as_labels(label):
    label = np.asarray(label).astype(np.int32)
    return xr.DataArray(label, dims=("y", "x"), coords=_space(label.shape), name="label")


def as_mask(mask):
    mask = np.asarray(mask, dtype=bool)
    return xr.DataArray(mask, dims=("y", "x"), coords=_space(mask.shape))


def as_video(x, sigma, label, time, half=None, direction=None, *, frame_std=0.0, gain=1.0, thickness=THICKNESS, **more):
    """A composition video; sigma is the standard deviation as it appears in the picture, gain that over the native."""
    x = np.asarray(x, dtype=float)
    lost = ~np.isfinite(x)
    coords = {"time": ("time", time), **{dim: (dim, values) for dim, values in _space(x.shape[1:]).items()}}
    if half is not None:
        coords |= {"half_cycle": ("time", half), "direction": ("time", direction)}
    coords |= more.pop("coords", {})
    flag = np.where(lost, np.where(label > 0, stages.flag_bit("missing"), stages.flag_bit("no_material")), 0)
    variables = {
        "lithium_fraction": ("time y x", x),
        "lithium_fraction_std": None if sigma is None else ("time y x", np.where(lost, np.nan, sigma)),
        "lithium_fraction_flag": ("time y x", flag),
        "lithium_fraction_frame_std": ("time", np.full(len(x), frame_std)) if frame_std else None,
        "noise_gain": ("time", np.broadcast_to(gain, len(x)).astype(float)),
        "thickness": None if thickness is None else ("y x", np.where(label > 0, thickness, np.nan)),
        **more,
    }
    return stages.new(
        "composition_video",
        {name: value for name, value in variables.items() if value is not None},
        coords=coords,
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )


def as_intervals(time, half, direction, eta, eta_std=0.0, c_rate=0.3, **shifts):
    """What the cell did between the frames; eta in V."""
    time, half, direction = (np.asarray(values) for values in (time, half, direction))
    same = half[1:] == half[:-1]
    number = np.arange(len(time) - 1)
    eta = np.broadcast_to(np.asarray(eta, dtype=float), number.shape)
    variables = {
        "overpotential_volt": ("interval", eta),
        "overpotential_volt_std": ("interval", np.full(eta.shape, eta_std)),
        "c_rate": ("interval", np.full(eta.shape, c_rate)),
        "cell_flag": ("interval", np.where(np.isfinite(eta), 0, stages.flag_bit("missing"))),
    }
    coords = {
        "time": ("interval", (time[1:] + time[:-1]) / 2),
        "duration": ("interval", np.diff(time)),
        "before": ("interval", number),
        "after": ("interval", number + 1),
        "half_cycle": ("interval", np.where(same, half[1:], -1)),
        "direction": ("interval", np.where(same, direction[1:], 0)),
    }
    if shifts:
        coords["systematic"] = ("systematic", list(shifts))
        moved = [np.broadcast_to(shift, eta.shape) for shift in shifts.values()]
        variables["overpotential_volt_shift"] = ("systematic interval", moved)
    return stages.new("cell_intervals", variables, coords=coords)
