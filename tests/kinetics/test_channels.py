from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError, StageError
from lithiscope.grid import Grid
from lithiscope.instruments.reaction.channel_platelet import ChannelPlatelet as Platelet
from lithiscope.instruments.reaction.channel_platelet import platelet_movie
from lithiscope.kinetics.channel_lines import across_long_axis
from lithiscope.kinetics.channels import channels
from lithiscope.kinetics.channels_options import ChannelOptions
from lithiscope.kinetics.rates import insertion_rate

SHAPES = {0.0: (34, 20), 90.0: (20, 34), 20.0: (36, 30)}


def table_of(platelet, *, with_amount=True, **kwargs):
    video, labels, hours = platelet_movie(platelet, **kwargs)
    options = ChannelOptions(axis=platelet.angle)
    amount = video["amount"] if with_amount else None
    return channels(insertion_rate(video), labels, amount=amount, options=options), hours


def across(table, platelet):
    """Coordinate v (nm) of the channels: their position counts from the first pixel of the picture."""
    return platelet.position(table["position"].values)


def expected(table, platelet, hours):
    """Current of every channel in every interval, and which lie well inside the platelet."""
    v = across(table, platelet)
    result = np.full(table["current_density"].shape, np.nan)
    for row in np.flatnonzero(table["direction"].values):
        first = int(table["before"].values[row]) % len(hours)
        sign = int(table["direction"].values[row])
        result[row] = platelet.current(v, hours[first], hours[first + 1], sign)
    return result, np.abs(v) < 440


@pytest.mark.parametrize("angle", [0.0, 90.0, 20.0])
def test_channel_currents_without_noise_are_right_to_five_per_cent(angle):
    """400 nm x 1 um, 40 nm pixels, a probe of 40 nm, no place in step with the pixels; relative to the peak."""
    platelet = Platelet(angle=angle, shape=SHAPES[angle], offset=(7.0, 13.0))
    table, hours = table_of(platelet, noisy=False)
    current, inside = expected(table, platelet, hours)
    known = np.isfinite(current) & inside
    error = (table["current_density"].values - current)[known]
    assert np.abs(error).max() < 0.05 * np.nanmax(np.abs(current))


def test_channel_currents_in_noise_are_right_to_five_per_cent():
    """Sigma 0.065, 8 platelets: slope of measured on true current, and the charge of each channel (noise 3.1 %).

    0.065 sqrt(2)/sqrt(10 pixels) = 0.029 of the 0.94 that a channel changes by between the first and last frame.
    """
    slope, charge, z = [], [], []
    for seed in range(8):
        platelet = Platelet(offset=(3.0 * seed, -2.0 * seed))
        table, hours = table_of(platelet, seed=seed)
        current, inside = expected(table, platelet, hours)
        measured, known = table["current_density"].values, np.isfinite(current) & inside
        slope.append((measured[known] @ current[known]) / (current[known] @ current[known]))
        z.append((measured - current)[known] / table["current_density_std"].values[known])
        for sign in (1, -1):
            rows = table["direction"].values == sign
            charge.append(measured[rows][:, inside].sum(axis=0) / current[rows][:, inside].sum(axis=0) - 1)
    assert np.mean(slope) == pytest.approx(1.0, abs=0.02)
    assert np.sqrt(np.mean(np.square(charge))) < 0.05
    z = np.concatenate(z)
    # Neighbouring intervals share frames: count half of the points; four binomial standard deviations.
    for sigmas, share in ((1, 0.6827), (1.96, 0.95)):
        allowed = 4 * np.sqrt(share * (1 - share) / (z.size / 2))
        assert np.mean(np.abs(z) < sigmas) == pytest.approx(share, abs=allowed)


@pytest.mark.parametrize("offset", [(0.0, 0.0), (11.0, 17.0)])
@pytest.mark.parametrize("probe", [1.0, 40.0])
def test_the_length_comes_from_the_amount_and_blur_does_not_change_it(offset, probe):
    table, _ = table_of(Platelet(offset=offset), probe=probe, noisy=False)
    inside = np.abs(across(table, Platelet(offset=offset))) < 440
    # The fine raster of the truth is 5 nm.
    np.testing.assert_allclose(table["length"].values[inside], 400.0, atol=5.0)
    mask, _ = table_of(Platelet(offset=offset), probe=probe, noisy=False, with_amount=False)
    assert np.abs(mask["length"].values - 400).max() <= 40 + 1e-9
    assert mask["length_std"].values[0] == pytest.approx(40 * np.sqrt(2 / 12))
    assert table["length_std"].values[0] < mask["length_std"].values[0]


def test_composition_of_surface_inside_and_whole():
    platelet = Platelet()
    table, hours = table_of(platelet, probe=1.0, noisy=False)
    v, row = across(table, platelet), 5
    middle = [platelet.mean(v, hours[row + k], 1) for k in (0, 1)]
    # The first and the last channel are cut by the edge of the platelet.
    inside = np.abs(v) < 440
    np.testing.assert_allclose(
        table["lithium_fraction"].values[row, inside], np.mean(middle, axis=0)[inside], atol=3e-3
    )
    u = 200 - 40 * (np.arange(40) + 0.5) / 40
    ends = np.mean([platelet.fraction(u[:, None], v, hours[row + k], 1).mean(axis=0) for k in (0, 1)], axis=0)
    np.testing.assert_allclose(table["surface_lithium_fraction"].values[row, inside], ends[inside], atol=3e-3)
    whole, surface, internal = (table[f"{name}lithium_fraction"].values for name in ("", "surface_", "internal_"))
    np.testing.assert_allclose(whole, (2 * surface + 8 * internal) / 10, atol=3e-3)


def test_an_end_pixel_that_is_hardly_covered_is_taken_together_with_the_next():
    """The faces run through pixels, 0.55 and 0.45 covered, and one energy lies off by a twentieth of a pixel.

    The pair with the next pixel knows the outermost 40 nm of a straight profile exactly, and hardly minds the shift.
    """
    pixels, channel = np.arange(12), np.full((5, 12), 1.0)
    edges = np.array([0.45, 11.45])  # pixels, from the outer side of the first
    low, high = np.maximum(pixels, edges[0]), np.minimum(pixels + 1, edges[1])
    cover = np.clip(high - low, 0, None)
    centre = (low + high) / 2
    x = 0.2 + 0.05 * centre
    amount = cover * channel
    moved = np.roll((x * cover), 1) * 0.05 + x * cover * 0.95  # the lithiated part, a twentieth of a pixel off
    outermost = 0.2 + 0.05 * np.array([edges[0] + 0.5, edges[1] - 0.5])
    np.testing.assert_allclose(ends_of(x * channel, amount), np.broadcast_to(outermost, (5, 2)), rtol=1e-6)  # float32
    alone = np.abs(moved / cover - x)[[0, -1]].max()
    pair = np.abs(ends_of(moved / cover * channel, amount)[0] - outermost).max()
    assert pair < 0.6 * alone


def ends_of(x, amount):
    """Composition of both ends of each row of pixels (y, x), the same in two frames."""
    margin = ((2, 2), (2, 2))
    picture, covered = np.pad(x, margin, constant_values=np.nan), np.pad(amount, margin)
    lost = ~np.isfinite(picture)
    video = stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", np.stack([picture] * 2)),
            "lithium_fraction_flag": ("time y x", np.stack([np.where(lost, stages.flag_bit("no_material"), 0)] * 2)),
        },
        coords={
            "time": ("time", [0.0, 3600.0]),
            "half_cycle": ("time", [0, 0]),
            "direction": ("time", [1, 1]),
            "y": ("y", 0.04 * np.arange(picture.shape[0])),
            "x": ("x", 0.04 * np.arange(picture.shape[1])),
        },
        attrs={"signal": "lithium_fraction"},
    )
    space = {dim: video[dim].values for dim in ("y", "x")}
    labels = xr.DataArray((~lost).astype(np.int32), dims=("y", "x"), coords=space)
    amounts = xr.DataArray(covered, dims=("y", "x"), coords=space)
    table = channels(insertion_rate(video), labels, amount=amounts, options=ChannelOptions(axis=0.0))
    return table["end_lithium_fraction"].values[0]


def test_the_face_lies_further_out_on_the_slope():
    """Shift by cause: half a pixel beyond the end pixel; the bow of the profile is steeper there, so within a third."""
    platelet = Platelet()
    table, hours = table_of(platelet, probe=1.0, noisy=False)
    v, row = across(table, platelet), 5
    face = np.mean([platelet.fraction(200.0, v, hours[row + k], 1) for k in (0, 1)], axis=0)
    shift = table["surface_lithium_fraction_shift"].sel(systematic="surface_averaging").values[row]
    missing = face - table["surface_lithium_fraction"].values[row]
    inside = np.abs(v) < 440
    np.testing.assert_allclose(shift[inside], missing[inside], rtol=1 / 3)
    length = table["current_density_shift"].sel(systematic="channel_length").values[row]
    current = table["current_density"].values[row]
    np.testing.assert_allclose(length, current * (table["length_std"] / table["length"]).values)


def test_errors_of_means_count_the_noise_before_resampling():
    video, labels, _ = platelet_movie(Platelet())
    rates = insertion_rate(video)
    shrunk = insertion_rate(video.assign(noise_gain=("time", np.full(24, 0.8), {"units": "1"})))
    options = ChannelOptions(axis=0.0)
    plain, wide = (channels(one, labels, options=options) for one in (rates, shrunk))
    for name in ("current_density_std", "surface_lithium_fraction_std", "internal_lithium_fraction_std"):
        np.testing.assert_allclose(wide[name].values, plain[name].values / 0.8, rtol=1e-5)
    np.testing.assert_allclose(wide["end_lithium_fraction_std"].values, plain["end_lithium_fraction_std"].values)


def test_named_shifts_and_common_errors_travel():
    video, labels, _ = platelet_movie(Platelet(), noisy=False)
    x = video["lithium_fraction"].values
    video = video.assign(
        lithium_fraction_shift=(("systematic", "time", "y", "x"), 0.1 * x[None], {"units": "1"}),
        lithium_fraction_frame_std=("time", np.full(24, 0.01), {"units": "1"}),
    ).assign_coords(systematic=["purity"])
    table = channels(insertion_rate(video), labels, options=ChannelOptions(axis=0.0))
    assert list(table["systematic"].values) == ["purity", "channel_length", "surface_averaging"]
    for name in ("current_density", "surface_lithium_fraction", "end_lithium_fraction"):
        moved = table[f"{name}_shift"].sel(systematic="purity").values
        np.testing.assert_allclose(moved, 0.1 * table[name].values, rtol=1e-4, atol=1e-6)
    common = table["current_density_frame_std"].values / np.abs(table["length"].values)
    np.testing.assert_allclose(common, np.broadcast_to(common[:, :1], common.shape))


def test_the_axis_is_found_across_the_long_axis():
    for angle in (0.0, 90.0, 20.0):
        _, labels, _ = platelet_movie(Platelet(angle=angle, shape=SHAPES[angle]), frames=2)
        found = across_long_axis(Grid(labels.values == 1, (40.0, 40.0)))
        assert (found - angle + 90) % 180 - 90 == pytest.approx(0.0, abs=3.0)


def test_a_lost_pixel_is_tolerated_and_many_are_not():
    video, labels, _ = platelet_movie(Platelet(), noisy=False)
    column = np.flatnonzero(labels.values[17])
    video["lithium_fraction"].values[3, 17, column[4]] = np.nan
    video["lithium_fraction"].values[5, 17, column[2:7]] = np.nan
    video["lithium_fraction_flag"].values[5, 17, column[2:7]] = 1 << 3
    video["lithium_fraction_flag"].values[3, 17, column[4]] = 1
    table = channels(insertion_rate(video), labels, options=ChannelOptions(axis=0.0))
    channel = int(np.argmin(np.abs(table["position"].values - 0.04 * 17)))
    assert np.isfinite(table["current_density"].values[3, channel])
    assert np.isnan(table["current_density"].values[5, channel])
    assert int(table["current_density_flag"].values[5, channel]) & (1 << 3)
    assert np.isfinite(table["surface_lithium_fraction"].values[5, channel])


def test_a_channel_that_the_picture_cuts_off_has_no_current():
    video, labels, _ = platelet_movie(Platelet(), noisy=False)
    half = {"x": slice(0, 10)}
    table = channels(insertion_rate(video.isel(half)), labels.isel(half), options=ChannelOptions(axis=0.0))
    assert np.isnan(table["current_density"].values).all()
    assert (table["current_density_flag"].values & 2 > 0).all()


def test_two_particles_keep_their_own_axes():
    video, labels, _ = platelet_movie(Platelet(), frames=3)
    both = xr.concat([video, video.assign_coords(x=video["x"] + 0.8)], "x", data_vars="minimal", join="outer")
    two = xr.concat([labels, 2 * labels.assign_coords(x=labels["x"] + 0.8)], "x", join="outer")
    both.attrs, two = video.attrs, two.fillna(0).astype(np.int32)
    table = channels(insertion_rate(both), two, options=ChannelOptions(axis=0.0, axes={"p02": 90.0}))
    count = {name: int((table["particle"].values == name).sum()) for name in ("p01", "p02")}
    assert count["p01"] in (24, 25)
    assert count["p02"] in (9, 10)


def test_wrong_input_is_refused_one_by_one():
    video, labels, _ = platelet_movie(Platelet(), frames=3)
    rates = insertion_rate(video)
    with pytest.raises(StageError, match="expected stage"):
        channels(video, labels)
    with pytest.raises(StageError, match="labels and video differ"):
        channels(rates, labels.isel(x=slice(2, None)))
    with pytest.raises(StageError, match="amount and labels"):
        channels(rates, labels, amount=video["amount"].isel(x=slice(2, None)))
    with pytest.raises(OptionError, match="unknown particle"):
        channels(rates, labels, options=ChannelOptions(axes={"p07": 0.0}))
    with pytest.raises(AnalysisError, match="long enough"):
        channels(rates, labels, options=ChannelOptions(axis=0.0, min_pixels=50))
