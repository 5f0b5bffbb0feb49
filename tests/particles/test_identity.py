from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import StageError
from lithiscope.particles import match_particles, name_particles
from particles import scene

FIRST = np.zeros((20, 20), dtype=int)
FIRST[1:6, 1:6], FIRST[1:6, 10:18], FIRST[10:18, 3:9] = 1, 2, 3


def test_names_by_number_or_as_imported():
    labels = scene.labels(FIRST)
    assert name_particles(labels) == {1: "p01", 2: "p02", 3: "p03"}
    labels.attrs["names"] = ["north", "east", "south"]
    assert name_particles(labels) == {1: "north", 2: "east", 3: "south"}


@given(st.permutations([1, 2, 3]), st.integers(-1, 1), st.integers(-1, 1))
def test_names_survive_renumbering_and_a_small_move(order, down, right):
    lookup = np.array([0, *order])
    second = np.roll(lookup[FIRST], (down, right), axis=(0, 1))
    ids = match_particles(scene.labels(second), scene.labels(FIRST), {1: "p01", 2: "p02", 3: "p03"})
    assert ids == {order[0]: "p01", order[1]: "p02", order[2]: "p03"}


def test_new_particles_get_new_names_and_retired_ones_are_not_reused():
    second = np.where(FIRST == 2, 0, FIRST)
    second[12:17, 12:17] = 4
    ids = match_particles(
        scene.labels(second), scene.labels(FIRST), {1: "p01", 2: "p02", 3: "left"}, retired=["p07", "gone"]
    )
    assert ids == {1: "p01", 3: "left", 4: "p08"}


def test_the_larger_piece_keeps_the_name_and_a_merger_keeps_the_better_overlap():
    broken = FIRST.copy()
    broken[10:18, 3:5], broken[10:18, 5] = 4, 0
    ids = match_particles(scene.labels(broken), scene.labels(FIRST), {1: "p01", 2: "p02", 3: "p03"})
    assert ids == {1: "p01", 2: "p02", 3: "p03", 4: "p04"}
    merged = np.where(FIRST == 2, 1, FIRST)
    back = match_particles(scene.labels(merged), scene.labels(FIRST), {1: "p01", 2: "p02", 3: "p03"})
    assert back == {1: "p02", 3: "p03"}


def test_touching_by_a_corner_is_no_match():
    second = np.zeros_like(FIRST)
    second[5:10, 5:10] = 1  # one pixel in common with particle 1: 1/49
    assert match_particles(scene.labels(second), scene.labels(FIRST), {1: "a", 2: "b", 3: "c"}) == {1: "p01"}


def test_bad_input_is_one_clear_error():
    with pytest.raises(StageError, match="different size"):
        match_particles(scene.labels(FIRST[:10]), scene.labels(FIRST), {1: "a", 2: "b", 3: "c"})
    with pytest.raises(StageError, match="no name"):
        match_particles(scene.labels(FIRST), scene.labels(FIRST), {1: "a"})
    with pytest.raises(StageError, match="no particle numbers"):
        name_particles(scene.labels(FIRST).astype(float))
    with pytest.raises(StageError, match="wrong dimensions"):
        name_particles(scene.labels(FIRST).transpose("x", "y"))
