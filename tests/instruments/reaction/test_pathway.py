"""Reacting platelets under the virtual microscope."""

from __future__ import annotations

import numpy as np

from lithiscope.instruments.reaction import Electrode, Hold, Insertion, RateField, Rest, react, reacting_platelets


def test_the_video_shows_what_the_electrode_did_at_the_local_rate() -> None:
    run = react(Electrode(), [Rest(60.0), Insertion(2.0, 0.9), Rest(60.0), Insertion(2.0, 0.1)])
    scene = reacting_platelets(run, (RateField(fast=1.0, slow=1.0),) * 3)
    times = np.linspace(100.0, run.time[-1], 5)
    video = scene.video(times)
    for number, platelet in enumerate(scene.platelets, start=1):
        inside = video["label"].values == number
        found = video["lithium_fraction"].values[:, inside]
        truth = run.fraction(times, 150.0 / platelet.thickness)
        np.testing.assert_allclose(found, np.broadcast_to(truth[:, None], found.shape), atol=1e-6)
    assert [part.direction for part in scene.protocol] == [0, 1, 0, -1]
    begins = [part.start for part in scene.protocol]
    np.testing.assert_allclose(begins, [run.span(step)[0] for step in range(4)])


def test_fast_domains_are_ahead_in_both_directions() -> None:
    run = react(Electrode(), [Insertion(2.0, 0.95), Hold(3.385, 10800.0), Insertion(2.0, 0.1)])
    scene = reacting_platelets(run)
    for step, sign in ((0, 1), (2, -1)):
        video = scene.video([float(np.mean(run.span(step)))])
        y, x = video["y"].values[:, None], video["x"].values
        for number, platelet in enumerate(scene.platelets, start=1):
            cover = platelet.pathway.field.cover(platelet.place(y, x))
            inside = video["label"].values == number
            values = video["lithium_fraction"].values[0]
            fast, slow = values[inside & (cover > 0.9)].mean(), values[inside & (cover < 0.1)].mean()
            assert sign * (fast - slow) > 0.1
