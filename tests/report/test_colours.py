from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.report.colours import (
    BACKGROUND,
    HATCH,
    composition_colours,
    hatch,
    lookup_table,
    oklab_from_srgb,
    scalar_colours,
    srgb_from_oklab,
)

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
DEFICIENCIES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def as_seen(rgb, matrix):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(matrix).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_oklab_of_white_and_back():
    np.testing.assert_allclose(oklab_from_srgb([1.0, 1.0, 1.0]), [1, 0, 0], atol=1e-6)
    rgb = np.random.default_rng(1).uniform(size=(50, 3))
    np.testing.assert_allclose(srgb_from_oklab(oklab_from_srgb(rgb)), rgb, atol=1e-6)


def test_the_default_palette_has_equal_perceived_steps():
    lab = oklab_from_srgb(lookup_table("uniform")[::15] / 255)
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    # Rounding to bytes moves a colour by up to 0.5/255 per channel, 0.003 in OKLab; a step is 0.037.
    assert np.ptp(steps) < 0.2 * steps.mean()


@pytest.mark.parametrize("matrix", DEFICIENCIES.values(), ids=DEFICIENCIES)
def test_the_default_palette_keeps_its_order_for_colour_blind_readers(matrix):
    lab = oklab_from_srgb(as_seen(lookup_table("uniform")[::15] / 255, matrix))
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert np.all(np.diff(lab[:, 0]) > -0.005)  # lightness rises
    # Every step is a just noticeable difference (0.02 in OKLab) at least over two steps.
    assert np.all(steps[:-1] + steps[1:] > 0.02)
    assert np.linalg.norm(lab[-1] - lab[0]) > 0.3


def test_the_paper_s_palette_is_green_at_0_and_red_at_1():
    np.testing.assert_array_equal(lookup_table("lim2016")[[0, -1]], [[0, 255, 0], [255, 0, 0]])


def test_an_unknown_palette_is_refused():
    with pytest.raises(OptionError, match="no such palette"):
        lookup_table("rainbow-of-mine")


def test_colours_follow_x_and_are_clipped_only_at_the_ends():
    table = lookup_table("uniform")
    found = composition_colours([-0.2, 0.0, 0.4, 1.0, 1.3])
    np.testing.assert_array_equal(found, table[[0, 0, 102, 255, 255]])


def test_brightness_scales_the_colour_and_amount_of_nothing_is_black():
    full = composition_colours(0.7).astype(float)
    np.testing.assert_allclose(composition_colours(0.7, 0.5), full / 2, atol=0.5)
    np.testing.assert_array_equal(composition_colours(0.7, [0.0, -1.0, np.nan]), np.zeros((3, 3)))
    np.testing.assert_array_equal(composition_colours(0.7, 2.0), full)


def test_nan_is_background_for_every_palette():
    for palette in ("uniform", "cividis", "lim2016"):
        np.testing.assert_array_equal(composition_colours(np.nan, 1.0, palette), BACKGROUND)
    np.testing.assert_array_equal(scalar_colours([np.nan], 0, 1, "viridis"), [BACKGROUND])


def test_scalar_colours_survive_a_constant_picture():
    np.testing.assert_array_equal(scalar_colours([2.0, 2.0], 2.0, 2.0, "gray"), np.zeros((2, 3)))


def test_the_hatch_covers_what_is_missing_and_nothing_else():
    picture = np.full((6, 6, 3), 7, dtype=np.uint8)
    missing = np.zeros((6, 6), dtype=bool)
    missing[1:4] = True
    found = hatch(picture, missing)
    assert np.all(found[~missing] == 7)
    assert {tuple(colour) for colour in found[missing].tolist()} == set(HATCH)


def test_the_table_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        lookup_table("uniform")[0] = 0
