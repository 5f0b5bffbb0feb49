from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lithiscope.cell.readers.charge import current_from_charge

STEPS = hnp.arrays(float, 20, elements=st.floats(1e-4, 1e4))
CURRENTS = hnp.arrays(float, 20, elements=st.floats(-1, 1).filter(lambda value: value == 0 or abs(value) > 1e-12))


@given(STEPS, CURRENTS)
def test_the_current_that_made_the_charge_comes_back(steps, current) -> None:
    time = np.cumsum(steps)
    increments = np.concatenate([[0.0], current[1:] * np.diff(time) / 3600.0])
    # Three roundings of one half in 2^53.
    np.testing.assert_allclose(current_from_charge(increments, time)[1:], current[1:], rtol=1e-15)


def test_charge_in_no_time_is_not_a_current() -> None:
    increments = np.array([0.0, 1.0, 0.0, 1.0, np.nan, 1.0])
    time = np.array([0.0, 0.0, 0.0, -1.0, 5.0, np.nan])
    np.testing.assert_array_equal(current_from_charge(increments, time), [0, np.nan, 0, np.nan, np.nan, np.nan])
    assert np.isnan(current_from_charge(np.array([1.0]), np.array([0.0])))[0]
