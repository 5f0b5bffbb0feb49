"""Platelets of channels under the virtual microscope."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.instruments.reaction import (
    Electrode,
    Hold,
    Insertion,
    Rest,
    Transport,
    channel_platelets,
    channel_rates,
    react_along_channels,
)


@pytest.fixture(scope="module")
def run():
    plates = Electrode(exchange_current=0.05, interaction=0.0, thickness=400.0)
    rates = channel_rates(2, 20, np.random.default_rng(1))
    steps = [Rest(60.0), Insertion(0.5, 0.7), Rest(60.0), Hold(3.425 + 0.06, 20000.0)]
    return react_along_channels(plates, Transport(1e-17), rates, steps, start=0.03, samples=60)


def test_a_point_of_the_scene_has_the_composition_of_its_channel_and_cell(run):
    scene = channel_platelets(run, angles=(0.0, 25.0))
    sample = 80  # within the insertion
    for number, platelet in enumerate(scene.platelets):
        along, across = np.deg2rad(platelet.angle), np.deg2rad(platelet.angle + 90)
        for channel, cell in ((0, 0), (7, 12), (19, 39)):
            v, u = ((channel + 0.5) / 20 - 0.5) * 1.0, ((cell + 0.5) / 40 - 0.5) * 0.4
            x = platelet.centre[1] + v * np.cos(along) + u * np.cos(across)
            y = platelet.centre[0] + v * np.sin(along) + u * np.sin(across)
            found = scene.fraction(run.time[sample], y, x)
            assert found == pytest.approx(run.lithium_fraction[sample, 20 * number + channel, cell], abs=1e-9)


def test_the_field_holds_platelets_of_the_right_size_and_blank_around(run):
    scene = channel_platelets(run)
    y, x = scene.grid(0.01)
    label = scene.label(y[:, None], x)
    # 1 um x 0.4 um; rounded corners take less than a hundredth.
    assert np.bincount(label.ravel())[1:] * 1e-4 == pytest.approx([0.4, 0.4], rel=0.02)
    assert (label == 0).mean() > 0.85


def test_holds_that_move_lithium_are_half_cycles_and_rests_are_not(run):
    assert [part.direction for part in channel_platelets(run).protocol] == [0, 1, 0, -1]


def test_rates_are_smooth_and_have_the_spread_asked_for():
    rates = np.log(channel_rates(3, 50, np.random.default_rng(2), spread=0.4)).reshape(3, 50, 2)
    assert rates.std(axis=(1, 2)) == pytest.approx([0.4] * 3)
    assert np.abs(np.diff(rates, axis=1)).mean() < 0.4
    assert np.corrcoef(rates[..., 0].ravel(), rates[..., 1].ravel())[0, 1] < 0.5
