"""Particles of a fit: where their fields are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from lithiscope.learning.fit import Particle, bands
from lithiscope.learning.program import Layout


def test_bands_double_in_size_and_leave_nothing_out() -> None:
    found = bands(10, 50)
    assert [(one.start, one.stop) for one in found] == [(10, 14), (14, 22), (22, 38), (38, 50)]
    assert bands(3, 3) == []
    assert [(one.start, one.stop) for one in bands(0, 3)] == [(0, 3)]


def test_levels_keep_their_own_prior() -> None:
    layout = Layout(shared=2, field=7, initial=6, rate=3, offset=0)
    program: Any = SimpleNamespace(layout=layout)
    cases: Any = (None, None)
    for apart in (0, 1, 3):
        particle = Particle(program, cases, 1e-4, apart=apart)
        inside = np.zeros(particle.own, bool)
        for one in particle.fields():
            assert not inside[one].any()
            inside[one] = True
        # Of two half cycles: up to 7 modes of ln k, and 5 of each initial composition, whose first number is its level.
        expected = np.zeros(particle.own, bool)
        expected[: 7 - apart] = True
        expected[8:13] = expected[17:22] = True
        assert inside.tolist() == expected.tolist()
        _, weights = particle._replace(weights=(5.0,) * len(particle.fields())).prior(np.zeros(particle.own))
        assert weights.tolist() == np.where(expected, 5.0, 1.0).tolist()
