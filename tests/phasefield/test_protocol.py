"""What the potentiostat asks for."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.errors import OptionError


def test_constant_current_counts_in_the_range_that_one_c_means() -> None:
    part = pf.constant_current(-2.0, to_fraction=0.5, fraction_per_c=0.5).parts[0]
    assert part.values == (-1.0, -1.0)
    assert part.duration == 3600.0
    assert part.fraction_limits == (0.5, np.inf)
    assert pf.constant_current(2.0, to_fraction=0.5).parts[0].fraction_limits == (-np.inf, 0.5)


def test_parts_follow_each_other() -> None:
    both = pf.constant_current(1.0, seconds=10.0) + pf.rest(5.0)
    assert both.duration == 15.0
    assert [part.values[0] for part in both.parts] == [1.0, 0.0]


def test_constant_voltage_ends_at_the_rate() -> None:
    first, second = pf.constant_current_constant_voltage(
        2.0, 3.3, end_c_rate=0.1, seconds=100.0, fraction_per_c=0.5
    ).parts
    assert first.volt_limits == (3.3, np.inf)
    assert (second.control, second.values, second.rate_limit) == ("potential", (3.3, 3.3), 0.05)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: pf.constant_current(0.0), "rest"),
        (lambda: pf.constant_current(np.nan), "c_rate"),
        (lambda: pf.constant_current(1.0, to_fraction=1.5), "to_fraction"),
        (lambda: pf.constant_potential(3420.0, 10.0), "millivolts"),
        (lambda: pf.rest(0.0), "seconds"),
        (lambda: pf.Part("rate", (0.0, 1.0), (np.nan, 1.0)), "not finite"),
        (lambda: pf.Part("rate", (1.0, 2.0), (1.0, 1.0)), "increasing from 0"),
        (lambda: pf.Protocol(()), "without parts"),
    ],
)
def test_bad_parts_are_refused(build, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        build()
