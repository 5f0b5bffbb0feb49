from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from lithiscope import laws
from lithiscope.errors import OptionError
from lithiscope.kinetics.law_shapes import FREE, interval_mean, shape_of, shapes_of
from truth import kinetics_truth as truth

NONE = np.array([])


@pytest.mark.parametrize("law", ["skewed_lim", "symmetric", "constant", "skewed_cogswell_bazant"])
@pytest.mark.parametrize(("low", "high"), [(0.04, 0.2), (0.3, 0.5), (0.8, 0.95)])
def test_the_mean_over_an_interval_is_the_harmonic_one(law, low, high):
    shape = shape_of(law)
    time, _ = quad(lambda x: 1 / float(laws.exchange_law(law)(x)), low, high)
    found = interval_mean(shape, np.array([(low + high) / 2]), np.array([high - low]), NONE)
    # eight Gauss points on an analytic function: far below any noise
    np.testing.assert_allclose(found, (high - low) / time, rtol=1e-6)


def test_without_width_it_is_the_value_in_the_middle():
    x = np.array([0.1, 0.25, 0.7])
    np.testing.assert_allclose(interval_mean(shape_of("skewed_lim"), x, 0 * x, NONE), truth.exchange(x), rtol=1e-12)


def test_the_closed_form_is_recovered():
    """x(S) of the truth: (x2 - x1)/(c (S2 - S1)) is exactly the harmonic mean, whatever eta did in between."""
    S = np.array([0.1, 0.5]) / truth.PER_HOUR
    for law, name in (("skewed", "skewed_lim"), ("symmetric", "symmetric")):
        x1, x2 = truth.composition(0.1, 1, truth.PER_HOUR, S, law)
        found = interval_mean(shape_of(name), np.array([(x1 + x2) / 2]), np.array([x2 - x1]), NONE)
        np.testing.assert_allclose(found, (x2 - x1) / (truth.PER_HOUR * (S[1] - S[0])), rtol=1e-7)


def test_the_free_shape_holds_both_laws():
    x = np.linspace(0.01, 0.99, 99)
    free = shape_of(FREE)
    for name, p, s in (("skewed_lim", 0.25, 2.0), ("symmetric", 0.5, 1.0)):
        parameters = np.array([np.log(p / (1 - p)), np.log(s)])
        law = laws.exchange_law(name)
        np.testing.assert_allclose(free.value(x, parameters), law(x) / law(p), rtol=1e-10)
        assert free.peak(parameters) == pytest.approx(p)


def test_peaks_are_those_of_the_laws():
    assert shape_of("skewed_lim").peak(NONE) == pytest.approx(0.25)
    assert shape_of("symmetric").peak(NONE) == pytest.approx(0.5)
    assert np.isnan(shape_of("constant").peak(NONE))


def test_bad_laws_give_one_clear_error():
    with pytest.raises(OptionError, match="no such exchange law"):
        shape_of("newman")
    with pytest.raises(OptionError, match="name of its own"):
        shapes_of([])
    with pytest.raises(OptionError, match="name of its own"):
        shapes_of(["symmetric", "symmetric"])
