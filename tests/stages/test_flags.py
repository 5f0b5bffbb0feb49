from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.stages import FLAGS, blank_fatal, fatal_mask, flag_bit, flag_counts


def test_every_flag_has_its_own_bit_within_sixteen():
    bits = [flag.bit for flag in FLAGS.values()]
    assert len(set(bits)) == len(bits)
    assert sum(bits) < 2**16
    assert all(bit.bit_count() == 1 for bit in bits)


@given(st.sets(st.sampled_from(sorted(FLAGS))))
def test_a_value_is_lost_exactly_when_one_of_its_flags_is_fatal(names):
    flag = np.array([flag_bit(*names)])
    lost = any(FLAGS[name].fatal for name in names)
    assert fatal_mask(flag)[0] == lost
    assert np.isnan(blank_fatal(np.array([1.0]), flag)[0]) == lost
    assert flag_counts(flag) == dict.fromkeys([n for n in FLAGS if n in names], 1)
