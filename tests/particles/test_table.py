from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import shift as resampled

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError, StageError
from lithiscope.particles import Exclusion, TableOptions, particle_table
from particles import scene

SHAPE = (30, 30)
DISC = scene.disc(SHAPE, (14.5, 14.5), 12.6)  # 500 pixels
SIGMA = 0.0693  # of either amount, at correlation -1/2: sigma of x is 0.060 at x = 0.5


def flat(x, times=1):
    return np.broadcast_to(np.asarray(x, dtype=float), (times, *SHAPE))


def table_of(x, times, seed, sigma=SIGMA, **options):
    a, b = scene.end_members(flat(x, times), 1.0, sigma, np.random.default_rng(seed))
    return particle_table(scene.measured(a, b, sigma), scene.labels(DISC), **options)


def check_coverage(z):
    """68.3 % and 95.4 % of normal values lie within one and two sigma; four binomial standard deviations allowed."""
    for sigmas, share in ((1, 0.6827), (2, 0.9545)):
        allowed = 4 * np.sqrt(share * (1 - share) / z.size)
        assert np.mean(np.abs(z) < sigmas) == pytest.approx(share, abs=allowed)


def test_500_pixels_of_sigma_006_have_a_mean_known_to_0005():
    """[L]: +-0.005 (95 %); 0.060/sqrt(500) = 0.00268."""
    assert DISC.sum() == 500
    table = table_of(0.5, 40, seed=0)
    std = table["lithium_fraction_std"].values
    # The pixels' own error bars scatter by their noise; over 500 of them by less than 1 %.
    np.testing.assert_allclose(std, 0.0600 / np.sqrt(500), rtol=0.02)
    assert 1.96 * std.max() == pytest.approx(0.005, abs=0.0005)


@pytest.mark.parametrize(
    "x",
    [0.0, 0.5, 1.0, np.linspace(0.2, 0.8, 30) * np.ones(SHAPE), (np.arange(30) > 20) * np.ones(SHAPE)],
    ids=["delithiated", "half", "lithiated", "gradient", "front"],
)
def test_error_bars_of_the_mean_cover_the_truth(x):
    table = table_of(x, 1000, seed=1)
    truth = flat(x)[0][DISC].mean()
    z = (table["lithium_fraction"].values[0] - truth) / table["lithium_fraction_std"].values[0]
    check_coverage(z)
    # Ratio of sums: bias of second order, 0.07^2/500; the mean of 1000 tables is known to 0.03 sigma.
    assert abs(z.mean()) < 0.12


def test_inverse_variance_would_have_been_biased():
    """The reason for weighting by amount: sigma depends on the noisy value itself."""
    a, b = scene.end_members(flat(0.0, 200), 1.0, SIGMA, np.random.default_rng(2))
    x, amount = (a / (a + b))[:, DISC], (a + b)[:, DISC]
    variance = (b[:, DISC] ** 2 + a[:, DISC] ** 2 + a[:, DISC] * b[:, DISC]) * SIGMA**2 / amount**4
    plain = (x / variance).sum(axis=1) / (1 / variance).sum(axis=1)
    assert abs(plain.mean()) > 0.002
    table = particle_table(scene.measured(a, b, SIGMA), scene.labels(DISC))
    assert abs(float(table["lithium_fraction"].mean())) < 4 * 0.0031 / np.sqrt(200)


def test_error_bars_cover_after_a_cubic_shift():
    """Resampling correlates neighbours: the picture scatters less, the mean does not."""
    times, offset = 600, (0.37, 0.5)
    a, b = scene.end_members(flat(0.5, times), 1.0, SIGMA, np.random.default_rng(3))
    noise = np.stack([resampled(frame, offset, order=3, mode="mirror") for frame in a - 0.5])
    gain = noise[:, 5:-5, 5:-5].std() / SIGMA
    # A cubic shift lowers the apparent sigma by 13-24 % (PHYSICS 1), here along both axes.
    assert 0.6 < gain < 0.87
    a, b = 0.5 + noise, 0.5 + np.stack([resampled(frame, offset, order=3, mode="mirror") for frame in b - 0.5])
    table = particle_table(scene.measured(a, b, SIGMA * gain, gain=gain), scene.labels(DISC))
    check_coverage((table["lithium_fraction"].values[0] - 0.5) / table["lithium_fraction_std"].values[0])
    careless = particle_table(scene.measured(a, b, SIGMA * gain), scene.labels(DISC))
    z = (careless["lithium_fraction"].values[0] - 0.5) / careless["lithium_fraction_std"].values[0]
    assert np.mean(np.abs(z) < 1) < 0.62


def test_mean_is_the_ratio_of_sums_exactly():
    rng = np.random.default_rng(4)
    a, b = rng.uniform(0.1, 1.0, size=(2, 3, *SHAPE))
    table = particle_table(scene.measured(a, b, 0.01), scene.labels(DISC))
    expected = a[:, DISC].sum(axis=1) / (a + b)[:, DISC].sum(axis=1)
    # Pictures are float32: 6e-8 each, less in the mean.
    np.testing.assert_allclose(table["lithium_fraction"][0], expected, rtol=1e-6)


def test_true_spread_of_a_gradient_and_of_nothing():
    x = np.linspace(0.3, 0.7, 30) * np.ones(SHAPE)
    truth = x[DISC].std()
    table = table_of(x, 400, seed=5)
    true, std = table["true_spread"].values[0], table["true_spread_std"].values[0]
    assert np.mean(np.abs(true - truth) < std) == pytest.approx(0.68, abs=4 * np.sqrt(0.68 * 0.32 / 400))
    # The spread alone would be sqrt(truth^2 + 0.06^2), 20 % too wide.
    assert true.mean() == pytest.approx(truth, abs=4 * std.mean() / np.sqrt(400))
    assert table["spread"].values.mean() > 1.15 * truth
    nothing = table_of(0.5, 400, seed=6)
    # Half of the differences are negative: 0, with an upper bound, and never NaN.
    zero = nothing["true_spread"].values == 0
    assert 0.4 < zero.mean() < 0.65
    assert (nothing["true_spread_std"].values[zero] > 0).all()
    # sqrt(sigma_V) with sigma_V = 0.06^2 sqrt(2/500).
    np.testing.assert_allclose(nothing["true_spread_std"].values[zero], 0.06 * (2 / 500) ** 0.25, rtol=0.1)


def test_squared_spreads_add_up():
    table = table_of(np.linspace(0.2, 0.8, 30) * np.ones(SHAPE), 5, seed=7)
    total = table["noise_spread"] ** 2 + table["true_spread"] ** 2
    np.testing.assert_allclose(total, table["spread"] ** 2, rtol=1e-9)


def test_frame_scope_is_copied_and_shifts_are_weighted_means():
    rng = np.random.default_rng(8)
    a, b = rng.uniform(0.1, 1.0, size=(2, 2, *SHAPE))
    shift = rng.normal(size=(2, 2, *SHAPE)) * 0.01
    video = scene.measured(
        a,
        b,
        0.01,
        variables={
            "lithium_fraction_frame_std": ("time", [0.001, 0.002]),
            "lithium_fraction_shift": ("systematic time y x", shift),
        },
        coords={"systematic": ("systematic", np.array(["purity", "energy"]))},
    )
    table = particle_table(video, scene.labels(DISC))
    np.testing.assert_array_equal(table["lithium_fraction_frame_std"], [0.001, 0.002])
    weight = (a + b)[:, DISC]
    expected = (shift[:, :, DISC] * weight).sum(axis=-1) / weight.sum(axis=-1)
    # Float32 pictures; the weighted mean is a small difference of signs.
    np.testing.assert_allclose(table["lithium_fraction_shift"][:, 0], expected, atol=1e-8)
    assert list(table["systematic"].values) == ["purity", "energy"]


def two_particles():
    labels = np.zeros(SHAPE, dtype=int)
    labels[2:8, 3:9] = 1
    labels[20:30, 15:25] = 7
    return labels


def test_size_and_place():
    rng = np.random.default_rng(9)
    a, b = rng.uniform(0.4, 0.6, size=(2, 2, *SHAPE))
    thickness = np.where(two_particles() == 1, 150.0, 80.0)
    dose = np.full((2, *SHAPE), 2e6)
    video = scene.measured(a, b, 0.01, variables={"thickness": ("y x", thickness), "dose": ("time y x", dose)})
    table = particle_table(video, scene.labels(two_particles()), {1: "small", 7: "large"})
    assert table["particle"].values.tolist() == ["small", "large"]
    assert table["label"].values.tolist() == [1, 7]
    assert table["pixel_count"].values.tolist() == [36, 100]
    np.testing.assert_allclose(table["area"], [36 * 0.0025, 100 * 0.0025], rtol=1e-12)
    assert table["bounding_box"].values.tolist() == [[2, 8, 3, 9], [20, 30, 15, 25]]
    np.testing.assert_allclose(table["centroid"], [[4.5 * 0.05, 1 + 5.5 * 0.05], [24.5 * 0.05, 1 + 19.5 * 0.05]])
    assert table["touches_edge"].values.tolist() == [False, True]
    np.testing.assert_allclose(table["thickness"], [150.0, 80.0])
    np.testing.assert_allclose(table["dose"], 2e6)


def test_pixels_never_measured_are_an_edge():
    a, b = np.full((2, 1, *SHAPE), 0.5)
    a[:, :3] = np.nan
    inside = np.zeros(SHAPE, dtype=int)
    inside[3:9, 5:11], inside[15:20, 5:11] = 1, 2
    table = particle_table(scene.measured(a, b, 0.01), scene.labels(inside))
    assert table["touches_edge"].values.tolist() == [True, False]


def test_missing_lines_lower_the_valid_pixels_and_then_blank_the_mean():
    a, b = np.full((2, 3, *SHAPE), 0.5)
    a[1, 2:4, :] = np.nan  # a third of the small particle
    a[2, 2:7, :] = np.nan  # five sixths
    table = particle_table(scene.measured(a, b, 0.01), scene.labels(two_particles()))
    small = table.isel(particle=0)
    assert small["valid_pixel_count"].values.tolist() == [36, 24, 6]
    np.testing.assert_allclose(small["lithium_fraction"][:2], 0.5)
    assert np.isnan(small["lithium_fraction"][2])
    assert np.isnan(small["true_spread"][2])
    assert small["lithium_fraction_flag"][2] == stages.flag_bit("missing")
    assert np.isfinite(table["lithium_fraction"][1]).all()
    ratio = small["lithium_fraction_std"][1] / small["lithium_fraction_std"][0]
    assert float(ratio) == pytest.approx(np.sqrt(36 / 24), rel=1e-6)


def test_warnings_of_enough_pixels_become_warnings_of_the_particle():
    a, b = np.full((2, 1, *SHAPE), 0.5)
    flag = np.zeros((1, *SHAPE), dtype=np.uint16)
    flag[0, 2, 3:6] = stages.flag_bit("repaired")  # 3 of 36 pixels: 8 %
    flag[0, 3, 3:7] = stages.flag_bit("few_counts")  # 4 of 36: 11 %
    video = scene.measured(a, b, 0.01, variables={"lithium_fraction_flag": ("time y x", flag)})
    table = particle_table(video, scene.labels(two_particles()))
    assert table["lithium_fraction_flag"].values.tolist() == [[stages.flag_bit("few_counts")], [0]]
    assert np.isfinite(table["lithium_fraction"]).all()


def test_hardly_any_material_has_no_composition():
    a, b = scene.end_members(flat(0.5), 0.001, 0.05, np.random.default_rng(10))
    table = particle_table(scene.measured(a, b, 0.05), scene.labels(DISC))
    assert np.isnan(table["lithium_fraction"]).all()
    assert table["lithium_fraction_flag"].values.ravel() == stages.flag_bit("no_material")


def test_one_pixel_has_a_mean_and_no_spread():
    a, b = np.full((2, 1, *SHAPE), 0.5)
    single = np.zeros(SHAPE, dtype=int)
    single[4, 4] = 1
    table = particle_table(scene.measured(a, b, 0.05), scene.labels(single))
    assert table["lithium_fraction"].item() == pytest.approx(0.5)
    assert np.isnan(table["spread"]).all()
    assert np.isnan(table["true_spread"]).all()


def test_excluded_particles_stay_with_their_reason_and_excluded_frames_are_nan():
    a, b = np.full((2, 3, *SHAPE), 0.5)
    options = TableOptions(
        exclude=(
            Exclusion(particle="p07", reason="delaminated"),
            Exclusion(particle="p07", reason="no contact"),
            Exclusion(frame=1, reason="beam dump"),
        )
    )
    table = particle_table(scene.measured(a, b, 0.01), scene.labels(two_particles()), options=options)
    assert table["excluded"].values.tolist() == [False, True]
    assert table["reason"].values.tolist() == ["", "delaminated; no contact"]
    assert np.isnan(table["lithium_fraction"].values).tolist() == [[False, True, False], [True, True, True]]
    excluded = stages.flag_bit("excluded")
    assert ((table["lithium_fraction_flag"].values & excluded) > 0).tolist() == [[False, True, False], [True] * 3]
    assert table["area"].values[1] > 0


def test_a_mask_per_cycle():
    a, b = np.full((2, 4, *SHAPE), 0.5)
    one, two = two_particles(), two_particles()
    two[two == 1] = 0
    two[19, 15:25] = 7
    cycle = {"cycle": ("time", [0, 0, 1, 1])}
    table = particle_table(scene.measured(a, b, 0.01, coords=cycle), scene.labels(np.stack([one, two])))
    assert table["pixel_count"].values.tolist() == [[36, 36, 0, 0], [100, 100, 110, 110]]
    assert np.isnan(table["lithium_fraction"].values).tolist() == [[False, False, True, True], [False] * 4]
    assert table["lithium_fraction_flag"].values[0].tolist() == [0, 0, 1, 1]
    assert table["bounding_box"].values[1].tolist() == [19, 30, 15, 25]
    with pytest.raises(StageError, match="other cycles"):
        particle_table(scene.measured(a, b, 0.01), scene.labels(np.stack([one, two])))


def test_blocks_change_nothing(monkeypatch):
    a, b = np.random.default_rng(11).uniform(0.1, 1.0, size=(2, 7, *SHAPE))
    video = scene.measured(a, b, 0.01)
    whole = particle_table(video, scene.labels(two_particles()))
    monkeypatch.setattr("lithiscope.particles.table._BLOCK", 300)
    assert whole.identical(particle_table(video, scene.labels(two_particles())))


def test_order_of_numbers_and_axes_does_not_matter():
    a, b = np.random.default_rng(12).uniform(0.1, 1.0, size=(2, 2, *SHAPE))
    plain = particle_table(scene.measured(a, b, 0.01), scene.labels(two_particles()))
    swapped = np.select([two_particles() == 1, two_particles() == 7], [9, 4])
    other = particle_table(scene.measured(a, b, 0.01), scene.labels(swapped), {9: "p01", 4: "p07"})
    turned = particle_table(scene.measured(a.swapaxes(1, 2), b.swapaxes(1, 2), 0.01), scene.labels(two_particles().T))
    for name in ("lithium_fraction", "lithium_fraction_std", "true_spread", "area"):
        np.testing.assert_allclose(other[name].sel(particle=plain["particle"]), plain[name], rtol=1e-12)
        np.testing.assert_allclose(turned[name], plain[name], rtol=1e-12)


def test_without_noise_or_amount_there_is_a_plain_mean():
    x = np.random.default_rng(13).uniform(size=(2, *SHAPE))
    video = stages.new(
        "composition_video",
        {"lithium_fraction": ("time y x", x)},
        coords=scene.axes(SHAPE, 2),
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )
    with pytest.warns(LithiscopeWarning, match="no amount"):
        table = particle_table(video, scene.labels(DISC))
    np.testing.assert_allclose(table["lithium_fraction"][0], x[:, DISC].mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(table["spread"][0], x[:, DISC].std(axis=1), rtol=1e-6)
    assert "lithium_fraction_std" not in table
    assert "true_spread" not in table


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"ids": {1: "p01"}}, StageError, "has no name"),
        ({"ids": {1: "p01", 7: "p01"}}, StageError, "have one name"),
        ({"labels": np.zeros(SHAPE)}, AnalysisError, "hold no particle"),
        ({"labels": np.ones((10, 10))}, StageError, "differ in size"),
        ({"labels": -np.ones(SHAPE)}, StageError, "no particle numbers"),
        ({"exclude": Exclusion(particle="p99", reason="?")}, OptionError, "one of p01, p07"),
        ({"exclude": Exclusion(frame=2, reason="?")}, OptionError, "0 to 0"),
        ({"exclude": Exclusion(scan=5, reason="?")}, OptionError, "exclude by frame"),
    ],
)
def test_bad_input_is_one_clear_error(change, error, words):
    a, b = np.full((2, 1, *SHAPE), 0.5)
    options = TableOptions(exclude=(change["exclude"],) if "exclude" in change else ())
    labels = scene.labels(change.get("labels", two_particles()))
    with pytest.raises(error, match=words):
        particle_table(scene.measured(a, b, 0.01), labels, change.get("ids"), options=options)


def test_another_signal_and_volumes_are_refused():
    video = scene.amounts(np.ones((1, *SHAPE)))
    with pytest.raises(AnalysisError, match="calibrate the signal"):
        particle_table(video, scene.labels(DISC))
    a, b = np.full((2, 1, *SHAPE), 0.5)
    volume = scene.measured(a, b, 0.01).expand_dims("z")
    with pytest.raises(StageError):
        particle_table(volume, scene.labels(DISC))
