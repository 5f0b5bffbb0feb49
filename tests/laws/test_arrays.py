import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.laws.arrays import floating, inside, log_normal_cdf, namespace, require


def test_numbers_and_numpy_arrays_belong_to_numpy():
    assert namespace(0.5, None, np.float64(1.0), np.zeros(2)) is np


def test_integers_and_single_precision_become_double():
    assert floating(np.array([0, 1]))[1].dtype == np.float64
    assert floating(np.float32(0.5))[1].dtype == np.float64


def test_inside_gives_limits_at_the_ends_and_nan_beyond():
    seen = []

    def record(xp, x):
        seen.append(x)
        return 1 / (x * (1 - x))

    values = inside(np.array([-0.1, 0.0, 0.5, 1.0, 1.1, np.nan]), record, at_zero=-7.0, at_one=9.0)
    np.testing.assert_array_equal(values, [np.nan, -7, 4, 9, np.nan, np.nan])
    assert np.all((seen[0] > 0) & (seen[0] < 1))


def test_log_normal_cdf_far_out():
    # Mills' ratio: Phi(-z) = phi(z)/z (1 - 1/z^2 + 3/z^4 - 15/z^6 + ...), next term 105/z^8 = 1e-11 at z = 40
    z = 40.0
    series = -z * z / 2 - np.log(z * np.sqrt(2 * np.pi)) + np.log1p(-(z**-2) + 3 * z**-4 - 15 * z**-6)
    assert log_normal_cdf(np, np.array(-z)) == pytest.approx(series, rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0, -1, np.float64(2.0), float("nan"), float("inf")])
def test_require_names_the_parameter(value):
    with pytest.raises(OptionError, match="alpha") as caught:
        require("alpha", value, 0.0, 1.0)
    assert "between 0 and 1" in str(caught.value)
