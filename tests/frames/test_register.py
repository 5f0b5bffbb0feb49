"""Registration: exact cases, properties, error bars, and input that cannot be aligned."""

import warnings

import numpy as np
import pytest
import xarray as xr

from frames.scene import PIXEL, frames, waves
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError, StageError
from lithiscope.frames import RegisterOptions, register
from lithiscope.instruments.pictures import affine_movie, optical_movie, stxm_movie, volume_movie
from lithiscope.stages import flag_bit

GLOBAL = RegisterOptions(gain="global")
PLANE = PIXEL[1:]
RNG = np.random.default_rng(8)


def drift(count: int, axes: int = 2, size: float = 1.0, seed: int = 1) -> np.ndarray:
    shifts = size * np.random.default_rng(seed).standard_normal((count, axes))
    return shifts - shifts.mean(axis=0)


def noisy(shifts: np.ndarray, seed: int = 0, shape: tuple[int, int] = (64, 60), sigma: float = 0.1) -> xr.Dataset:
    """A textured movie: mean 10, texture 1, noise sigma."""
    noise = np.random.default_rng(seed).standard_normal((len(shifts), *shape))
    return frames(10 + waves(shape, shifts) + sigma * noise, sigma)


def pixels(found: xr.Dataset) -> np.ndarray:
    return found["shift"].values / PIXEL[-found.sizes["axis"] :]


@pytest.mark.parametrize("options", [RegisterOptions(), GLOBAL])
def test_known_shifts_come_back_in_um(options: RegisterOptions) -> None:
    shifts = drift(6)
    found = register(frames(10 + waves((64, 60), shifts)), options=options)
    np.testing.assert_allclose(pixels(found), shifts, atol=3e-3)
    assert found["shift"].attrs["units"] == "um"
    assert (found["alignment_flag"] == 0).all()


def test_rolled_pictures_of_whole_pixels() -> None:
    picture = waves((80, 80), np.zeros(2))[0]
    moves = np.array([[0, 0], [3, -2], [-5, 4], [1, 1]])
    found = register(frames(np.stack([np.roll(picture, m, (0, 1)) for m in moves])[:, 10:-10, 10:-10]))
    # Only the spline's own error and the stopping rule are left.
    np.testing.assert_allclose(pixels(found), moves - moves.mean(axis=0), atol=2e-3)


@pytest.mark.parametrize("shape", [(20, 40, 44)])
def test_volumes(shape: tuple[int, int, int]) -> None:
    shifts = drift(4, axes=3, size=0.7)
    found = register(frames(10 + waves(shape, shifts)), options=GLOBAL)
    np.testing.assert_allclose(pixels(found), shifts, atol=3e-3)
    assert list(found["axis"].values) == ["z", "y", "x"]


def test_an_affine_motion_comes_back() -> None:
    linear = np.array([[1.01, 0.004], [-0.006, 0.99]])
    pictures = np.concatenate(
        [waves((80, 80), np.zeros((1, 2))), waves((80, 80), np.array([[0.4, -0.3]]), linear=linear)]
    )
    found = register(frames(10 + pictures), options=RegisterOptions(motion="affine"))
    between = found["affine"].values[1] @ np.linalg.inv(found["affine"].values[0])
    # 0.3 mrad over half the picture is a hundredth of a pixel.
    np.testing.assert_allclose(between, linear, atol=3e-4)
    step = pixels(found)[1] - between @ pixels(found)[0]
    np.testing.assert_allclose(step, [0.4, -0.3], atol=5e-3)
    assert (found["alignment_flag"] == 0).all()


def _affine_errors(seeds: range, **given: float) -> np.ndarray:
    """Mean squares of error and quoted, of shift and of linear part (2, 2); in pixels and without unit."""
    found = []
    for seed in seeds:
        movie = affine_movie(seed=seed, side=96, **given)
        place = register(movie.frames, options=RegisterOptions(motion="affine"))
        shift = (place["shift"].values - movie.drift) / movie.pixel
        linear = place["affine"].values - movie.linear
        pairs = ((shift, place["shift_std"].values / movie.pixel), (linear, place["affine_std"].values))
        found.append([[np.var(error, axis=0).mean(), np.mean(quoted**2)] for error, quoted in pairs])
    return np.mean(found, axis=0)


def test_the_error_bars_of_an_affine_motion_are_right() -> None:
    shift, linear = _affine_errors(range(40, 46))
    # 6 movies of 11 free frames and 2 numbers tell a standard deviation to 6 %; the bar asks for 20 %.
    assert np.sqrt(shift[0] / shift[1]) == pytest.approx(1.0, abs=0.2)
    assert np.sqrt(linear[0] / linear[1]) == pytest.approx(1.0, abs=0.2)


def test_four_times_the_light_halves_the_error_of_the_linear_part() -> None:
    faint, bright = (_affine_errors(range(3, 5), electrons=light)[1, 1] for light in (800.0, 3200.0))
    # What the pairs disagree by is a tenth of it, and known to a fifth from two movies.
    assert np.sqrt(bright / faint) == pytest.approx(0.5, rel=0.1)


def test_the_linear_part_is_that_of_places_in_um() -> None:
    data = affine_movie(seed=7, frames=4, side=64).frames
    wide = data.assign_coords(y=("y", data["y"].values * 3, data["y"].attrs))
    square, oblong = (register(one, options=RegisterOptions(motion="affine")) for one in (data, wide))
    # A displacement along y counts threefold, a distance along y a third.
    factor = np.array([[1, 3], [1 / 3, 1]])
    for name in ("affine", "affine_std"):
        assert oblong[name].dims == ("time", "axis", "axis_in")
        np.testing.assert_allclose(oblong[name], square[name] * factor, rtol=1e-5, atol=1e-9)
    assert (square["affine_std"] > 0).all()
    assert "affine_std" not in register(data)


def test_scale_and_offset_of_the_signal_change_nothing() -> None:
    data = noisy(drift(5))
    found = pixels(register(data, options=GLOBAL))
    other = data.assign(signal=data["signal"] * 37 - 900, signal_std=data["signal_std"] * 37)
    other["signal"].attrs = other["signal_std"].attrs = data["signal"].attrs
    np.testing.assert_allclose(pixels(register(other, options=GLOBAL)), found, atol=1e-3)


def test_brightening_of_single_frames_changes_little() -> None:
    shifts = drift(6)
    gain = np.array([1, 1.3, 0.8, 1.1, 1, 2.0])[:, None, None]
    found = register(frames(gain * (10 + waves((64, 60), shifts)), 0.05))
    np.testing.assert_allclose(pixels(found), shifts, atol=5e-3)


def test_time_reversal_reverses_the_shifts() -> None:
    data = noisy(drift(8))
    forward = pixels(register(data))
    backward = register(data.isel(time=slice(None, None, -1)).assign_coords(time=data["time"]))
    # Template and moving frame change roles: what is left is noise in the gradient, below the error bar of 0.006 px.
    np.testing.assert_allclose(pixels(backward)[::-1], forward, atol=3e-3)


def test_the_mirrored_and_transposed_pictures_move_the_same_way() -> None:
    data = noisy(drift(5), shape=(60, 60))
    found = pixels(register(data))
    other = data.copy()
    for name in ("signal", "signal_std"):
        other[name] = (data[name].dims, data[name].values.transpose(0, 2, 1), data[name].attrs)
    np.testing.assert_allclose(pixels(register(other))[:, ::-1], found, atol=1e-3)


def test_a_steady_drift_is_added() -> None:
    shifts, steady = drift(10, size=0.5), np.outer(np.linspace(-1, 1, 10), [2.0, -1.5])
    plain, moved = (pixels(register(noisy(s, shape=(80, 80)))) for s in (shifts, shifts + steady))
    np.testing.assert_allclose(moved - plain, steady, atol=0.02)


def test_coarse_pixels_are_counted_in_um() -> None:
    shifts = drift(4)
    data = frames(10 + waves((64, 60), shifts))
    wide = data.assign_coords(y=("y", data["y"].values * 3, data["y"].attrs))
    found = register(wide)
    np.testing.assert_allclose(found["shift"].values, shifts * PLANE * [3, 1], atol=3e-3 * PLANE.max() * 3)


def test_energies_of_one_scan_are_aligned_with_each_other() -> None:
    shifts = drift(4)
    found = register(frames(10 + waves((64, 60), shifts), energy=True))
    assert found["shift"].dims == ("time", "energy", "axis")
    np.testing.assert_allclose(pixels(found)[0], shifts, atol=3e-3)


def test_energies_of_each_scan_when_asked() -> None:
    shifts = drift(6)
    data = frames(10 + waves((64, 60), shifts), energy=True)
    two = xr.concat(
        [
            data.isel(energy=slice(0, 3)),
            data.isel(energy=slice(3, 6)).assign_coords(energy=data["energy"].values[:3], time=[60.0]),
        ],
        "time",
    ).assign_attrs(data.attrs)
    two["energy"].attrs = two["time"].attrs = data["energy"].attrs
    two["time"].attrs = data["time"].attrs
    with pytest.raises(OptionError, match="several times and several energies"):
        register(two)
    found = pixels(register(two, options=RegisterOptions(along="energy")))
    for scan, part in zip(found, (shifts[:3], shifts[3:]), strict=True):
        np.testing.assert_allclose(scan, part - part.mean(axis=0), atol=3e-3)


def test_missing_pixels_and_weights_are_left_out() -> None:
    shifts = drift(5)
    pictures = 10 + waves((72, 72), shifts)
    pictures[:, 30:34, 10:60] = np.nan
    pictures[2, :8] = np.nan
    np.testing.assert_allclose(pixels(register(frames(pictures, 0.05))), shifts, atol=5e-3)
    # A speck on the camera, which a weight takes out.
    pictures = 10 + waves((72, 72), shifts)
    pictures[:, 40:60, 40:60] = 30 + waves((20, 20), np.zeros(2), seed=9)
    weight = xr.DataArray(np.ones((72, 72)), dims=("y", "x"))
    weight[32:68, 32:68] = 0
    np.testing.assert_allclose(pixels(register(frames(pictures, 0.05), weight=weight)), shifts, atol=5e-3)


@pytest.mark.parametrize(("count", "expected"), [(1, 0.0)])
def test_one_frame_lies_where_it_lies(count: int, expected: float) -> None:
    found = register(noisy(np.zeros((count, 2))))
    assert (found["shift"] == expected).all()
    assert (found["shift_std"] == 0).all()
    assert (found["alignment_flag"] == 0).all()


def test_no_frames_at_all() -> None:
    assert register(noisy(drift(3)).isel(time=slice(0, 0)))["shift"].shape == (0, 2)


@pytest.mark.parametrize("bad", ["empty", "flat", "noise", "other place"])
def test_a_frame_that_cannot_be_aligned_is_named_and_bridged(bad: str) -> None:
    shifts = drift(8)
    data = noisy(shifts)
    picture = {
        "empty": np.full((64, 60), np.nan),
        "flat": np.full((64, 60), 10.0),
        "noise": 10 + 0.1 * RNG.standard_normal((64, 60)),
        "other place": 10 + waves((64, 60), np.zeros(2), seed=77)[0],
    }[bad]
    data["signal"][4] = picture
    with pytest.warns(LithiscopeWarning, match="1 of 8 frames could not be aligned.*time 240"):
        found = register(data)
    assert found["alignment_flag"].values.tolist() == [0, 0, 0, 0, 64, 0, 0, 0]
    assert np.isnan(found["shift"][4]).all()
    assert np.isnan(found["shift_std"][4]).all()
    good = np.arange(8) != 4
    expected = shifts[good] - shifts[good].mean(axis=0)
    # The error bar is 0.006 px.
    np.testing.assert_allclose(pixels(found)[good], expected, atol=0.03)


@pytest.mark.parametrize("motion", ["translation", "affine"])
@pytest.mark.parametrize("value", [np.nan, 1.0])
def test_where_no_frame_shows_anything_all_are_named(value: float, motion: str) -> None:
    blank = noisy(drift(3))
    blank["signal"][:] = value
    with pytest.warns(LithiscopeWarning, match="3 of 3 frames could not be aligned"):
        found = register(blank, options=RegisterOptions(motion=motion))
    assert np.isnan(found["shift"].values).all()
    assert all(np.isnan(found[name].values).all() for name in ("affine", "affine_std") if motion == "affine")
    assert (found["alignment_flag"].values == flag_bit("not_aligned")).all()


def test_a_jump_out_of_the_field_is_not_aligned() -> None:
    data = noisy(np.array([[0.0, 0.0], [0.5, 0.0], [200.0, 0.0]]))
    with pytest.warns(LithiscopeWarning, match="1 of 3"):
        assert np.isnan(register(data)["shift"][2]).all()


@pytest.mark.parametrize("options", [RegisterOptions(), GLOBAL])
def test_the_error_bar_is_right(options: RegisterOptions) -> None:
    errors, quoted = [], []
    for seed in range(6):
        shifts = drift(16, seed=seed)
        found = register(noisy(shifts, seed=seed, sigma=0.5), options=options)
        errors.append(np.mean((pixels(found) - shifts) ** 2))
        quoted.append(np.mean((found["shift_std"].values / PLANE) ** 2))
    # 192 numbers tell a standard deviation to 5 %; the bar asks for 20 %.
    assert np.sqrt(np.mean(errors) / np.mean(quoted)) == pytest.approx(1.0, abs=0.2)


def test_what_one_gain_cannot_follow_is_in_the_error_bar() -> None:
    """A front crosses a stack that is mostly empty: more light does not help, and must not make false places."""
    pooled = {}
    for light in (400.0, 6400.0):
        found = []
        for seed in range(3):
            movie = volume_movie(seed=seed, light=light)
            place = register(movie.frames, options=GLOBAL)
            error = (place["shift"].values - movie.drift) / movie.pixel
            quoted = place["shift_std"].values / movie.pixel
            found.append([np.sum(np.var(error, axis=0)), np.mean(np.sum(quoted**2, axis=1))])
        pooled[light] = np.sqrt(np.mean(found, axis=0))
    error, quoted = pooled[6400.0]
    assert error < 1.1 * pooled[400.0][0]
    # Errors of one movie are much alike: 3 movies of 3 axes tell a standard deviation to about a quarter.
    assert error / quoted == pytest.approx(1.0, abs=0.5)


def test_a_strong_front_under_one_gain_loses_no_frame() -> None:
    movie = optical_movie(seed=31, side=160)
    found = register(movie.frames, options=GLOBAL)
    error = (found["shift"].values - movie.drift) / movie.pixel
    assert (found["alignment_flag"] == 0).all()
    # Half the particle is 60 % brighter at the far end of the longest lag: pairs that one gain cannot bring together
    # by most of a pixel must not count like neighbours.
    assert np.sqrt(np.mean(np.sum((error - error.mean(axis=0)) ** 2, axis=1))) < 0.04


def test_the_noise_is_estimated_where_nobody_states_it() -> None:
    data = noisy(drift(10), sigma=0.5)
    stated, own = register(data), register(data.drop_vars("signal_std"))
    np.testing.assert_allclose(pixels(own), pixels(stated), atol=0.02)
    assert own["shift_std"].mean() == pytest.approx(float(stated["shift_std"].mean()), rel=0.2)


def test_errors_do_not_add_up_along_the_movie() -> None:
    shifts = drift(60, size=0.5)
    error = pixels(register(noisy(shifts, sigma=0.5))) - shifts
    near = np.std(error[1:] - error[:-1])
    far = np.std(error[30:] - error[:-30])
    # A chain of neighbours with independent errors would make far five times near.
    assert far < 1.3 * near


@pytest.mark.parametrize(("scene", "limit"), [("front", 0.02), ("platelet", 0.05)])
def test_fronts_do_not_look_like_drift(scene: str, limit: float) -> None:
    movie = optical_movie(seed=5, side=128, frames=20) if scene == "front" else stxm_movie(seed=5, radius=14, frames=18)
    error = register(movie.frames)["shift"].values / movie.pixel - movie.drift / movie.pixel
    # A quarter of the pixels of the full scene: twice its error of 0.009; the platelet as PHYSICS asks.
    assert np.sqrt(np.mean(np.sum((error - error.mean(axis=0)) ** 2, axis=1))) < limit


def test_leakage_of_an_aligned_movie_is_noise() -> None:
    clean = register(noisy(drift(8, size=0.5)))
    # The error bar of a pair is 0.01 px.
    assert np.abs(clean["drift_leakage"].values[1:] / PLANE).max() < 0.05
    assert (clean["drift_leakage"][0] == 0).all()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda d: d.isel(y=slice(0, 8)), AnalysisError, "too small"),
        (
            lambda d: d.assign_coords(x=("x", np.r_[0, 5, np.arange(6.0, 64)][:60], d["x"].attrs)),
            AnalysisError,
            "evenly",
        ),
        (lambda d: d.assign_coords(x=("x", d["x"].values[::-1], d["x"].attrs)), AnalysisError, "evenly"),
        (lambda d: d.assign_attrs(stage="recording"), StageError, "stage"),
    ],
)
def test_unfit_frames_are_refused(change: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        register(change(noisy(drift(3))))


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (xr.DataArray(np.ones((3, 4)), dims=("y", "x")), "does not fit"),
        (xr.DataArray(np.full((64, 60), -1.0), dims=("y", "x")), "negative"),
    ],
)
def test_unfit_weights_are_refused(weight: xr.DataArray, words: str) -> None:
    with pytest.raises(AnalysisError, match=words):
        register(noisy(drift(3)), weight=weight)


@pytest.mark.parametrize("lags", [(), (3, 9), (1, 9, 3)])
def test_unfit_options_are_refused(lags: tuple[int, ...]) -> None:
    with pytest.raises(OptionError):
        RegisterOptions(lags=lags)
    with pytest.raises(OptionError, match="no such axis"):
        register(noisy(drift(3)), options=RegisterOptions(along="energy"))


def test_nothing_is_warned_about_a_good_movie() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register(noisy(drift(3)))


@pytest.mark.filterwarnings("ignore:1 of 2 frames could not be aligned")
def test_volumes_get_one_gain_and_pictures_a_local_one() -> None:
    flat = noisy(drift(3))
    deep = frames(waves((20, 24, 24), np.zeros((2, 3))), 0.05)
    for given, chosen in ((flat, "local"), (deep, "global")):
        assert f" {chosen} gain," in register(given).attrs["method"]
        for gain in ("local", "global"):
            assert f" {gain} gain," in register(given, options=RegisterOptions(gain=gain)).attrs["method"]
