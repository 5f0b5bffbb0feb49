"""Channels of platelets seen along [100], and what limits them, against virtual particles whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import kinetics, laws, stages
from lithiscope.instruments.reaction.channel_platelet import ChannelPlatelet, platelet_movie
from lithiscope.kinetics.channels import channels
from lithiscope.kinetics.channels_options import ChannelOptions
from lithiscope.kinetics.half_charge import at_half_charge
from lithiscope.verification.rows import Row, compare

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

_SCENE = "virtual platelet of Koo 2023: 400 nm x 1 um, 40 nm pixels and probe, 12 frames a half cycle, sigma_x 0.065"
_BOUND = "a bound of the design, with no slack"
_WELL_INSIDE = 440.0  # nm; the first and the last channel are cut by the edge of the platelet


class _Platelets(NamedTuple):
    """Measured and true channel currents (A/m2), in units of their standard deviation, and charges and surfaces."""

    measured: Array
    true: Array
    pull: Array
    charge: Array
    surface: Array


def channel_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on channel currents and on the composition of their ends."""
    yield from _current_rows(32 if everything else 8)
    yield from _rectified_rows()


def _of_platelet(platelet: ChannelPlatelet, seed: int, *, noisy: bool = True) -> _Platelets:
    movie = platelet_movie(platelet, seed=seed, noisy=noisy)
    table = channels(
        kinetics.insertion_rate(movie.video),
        movie.labels,
        amount=movie.video["amount"],
        options=ChannelOptions(axis=platelet.angle, probe=40.0),
    )
    v = platelet.position(table["position"].values)
    inside = np.abs(v) < _WELL_INSIDE
    rows = np.flatnonzero(table["direction"].values)
    direction = table["direction"].values[rows]
    first = table["before"].values[rows] % len(movie.hours)
    true = np.stack(
        [
            platelet.current(v[inside], movie.hours[one], movie.hours[one + 1], int(sign))
            for one, sign in zip(first, direction, strict=True)
        ]
    )
    measured, std = (table[name].values[rows][:, inside] for name in ("current_density", "current_density_std"))
    charge = [measured[direction == sign].sum(axis=0) / true[direction == sign].sum(axis=0) - 1 for sign in (1, -1)]
    found = at_half_charge(table)["surface_lithium_fraction"].values[0]
    surface = found - np.array([platelet.surface(platelet.half_time(sign), sign) for sign in (1, -1)])
    return _Platelets(measured, true, (measured - true) / std, np.stack(charge), surface)


def _current_rows(count: int) -> Iterator[Row]:
    still = [
        _of_platelet(ChannelPlatelet(angle=angle, shape=shape, offset=(7.0, 13.0)), 0, noisy=False)
        for angle, shape in ((0.0, (34, 20)), (90.0, (20, 34)), (20.0, (36, 30)))
    ]
    worst = max(float(np.max(np.abs(one.measured - one.true)) / np.max(np.abs(one.true))) for one in still)
    yield _at_most(
        "largest error of a channel current without noise, over the largest current, three angles", 0.05, worst
    )
    noisy = [_of_platelet(ChannelPlatelet(offset=(3.0 * n % 40, -2.0 * n % 40)), n) for n in range(count)]
    measured, true = (np.concatenate([getattr(one, name).ravel() for one in noisy]) for name in ("measured", "true"))
    yield compare(
        f"slope of measured on true channel currents, {count} platelets",
        _SCENE,
        1.0,
        float(measured @ true / (true @ true)),
        within=0.05,
        because=_BOUND,
    )
    charge = np.concatenate([one.charge.ravel() for one in noisy])
    yield _at_most("rms error of the mean current of a channel in a half cycle", 0.05, _rms(charge))
    surface = np.array([one.surface for one in noisy])
    yield _at_most("rms error of <x_surf> at half charge, one platelet and half cycle", 0.01, _rms(surface))
    yield _at_most(
        f"error of <x_surf> at half charge, mean of {count} platelets, the worse direction",
        0.01,
        float(np.max(np.abs(surface.mean(axis=0)))),
    )
    # Neighbouring intervals share a frame: every other one counts.
    pull = np.concatenate([one.pull[::2].ravel() for one in noisy])
    yield compare(
        f"share of {pull.size} channel currents inside 1.96 sigma",
        f"normal distribution; {_SCENE}",
        0.95,
        float(np.mean(np.abs(pull) < 1.96)),
        within=0.03,
        because=f"the stated 92 to 98 %; {pull.size} independent values know a share to "
        f"{100 * np.sqrt(0.95 * 0.05 / pull.size):.1f} %",
    )


def _rectified_rows() -> Iterator[Row]:
    """Yield the rows on a change of 0.05 an hour in noise of 0.07: 200 channels of 10 pixels."""
    import xarray as xr

    rng = np.random.default_rng(7)
    shape, sigma, rate = (200, 10), 0.07, 0.05
    x = np.stack([np.full(shape, 0.4), np.full(shape, 0.4 + rate)]) + sigma * rng.standard_normal((2, *shape))
    margin = ((0, 0), (2, 2), (2, 2))
    video = _video(np.pad(x, margin, constant_values=np.nan), sigma)
    space = {dim: video[dim].values for dim in ("y", "x")}
    inside = np.isfinite(video["lithium_fraction"].values[0]).astype(np.int32)
    rates = kinetics.insertion_rate(video)
    options = ChannelOptions(axis=0.0)
    table = channels(rates, xr.DataArray(inside, dims=("y", "x"), coords=space), options=options)
    each = rates["insertion_rate"].values[0][inside > 0]
    spread = np.sqrt(2) * sigma
    z = rate / spread
    expected = spread * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + rate * _erf(z / np.sqrt(2))
    error = spread / np.sqrt(each.size)
    source = "Koo 2023, j_Ch; folded normal distribution: 0.089 at sigma_x 0.07"
    yield compare(
        "what absolute values inside the integral of a channel would make of dx/dt = 0.05 per hour",
        source,
        float(expected),
        float(np.abs(each).mean()),
        within=3 * error,
        because="three standard errors of 2000 pixels",
        unit="1/h",
    )
    per_rate = laws.current_density(1.0, table["length"].values, site_density=options.site_density, faces=2)
    yield compare(
        "what the channels of 10 pixels make of it, sign kept",
        source,
        rate,
        float(np.mean(table["current_density"].values[0] / per_rate)),
        within=3 * error,
        because="three standard errors of 2000 pixels",
        unit="1/h",
    )


def _video(x: Array, sigma: float) -> xr.Dataset:
    lost = ~np.isfinite(x)
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_std": ("time y x", np.where(lost, np.nan, sigma)),
            "lithium_fraction_flag": ("time y x", np.where(lost, stages.flag_bit("no_material"), 0)),
        },
        coords={
            "time": ("time", [0.0, 3600.0]),
            "half_cycle": ("time", [0, 0]),
            "direction": ("time", [1, 1]),
            "y": ("y", 0.04 * np.arange(x.shape[1])),
            "x": ("x", 0.04 * np.arange(x.shape[2])),
        },
        attrs={"signal": "lithium_fraction"},
    )


def _erf(value: float) -> float:
    from math import erf

    return erf(value)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _at_most(claim: str, limit: float, found: float) -> Row:
    return Row(claim, _SCENE, limit, found, 0.0, _BOUND, "<=")
