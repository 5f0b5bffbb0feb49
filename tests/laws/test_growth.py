import numpy as np
import pytest
from scipy.integrate import quad

from lithiscope.errors import AnalysisError
from lithiscope.laws import UniformState, chemical_potential, exchange_law, growth_integral, growth_rate

OMEGA, STRAIN = 4.49, 3.73
REGULAR = chemical_potential("regular_solution", omega=OMEGA)
LIM = UniformState(exchange_law("skewed_lim"), REGULAR, strain=STRAIN)
PATH = np.linspace(0, 1, 401)


def test_beyond_the_window_the_low_side_grows_by_a_few_percent_only():
    """e^0.07 at j~ = 9; e^0.0811 in the limit of infinite current: (Omega - B/2) x + 2 ln(1 - x), x = 0.238."""
    assert growth_integral(PATH, 9.0, LIM).largest == pytest.approx(0.07, abs=0.002)
    root = 1 - 2 / (OMEGA - STRAIN / 2)
    limit = (OMEGA - STRAIN / 2) * root + 2 * np.log(1 - root)
    fine = np.unique(np.append(PATH, root))
    assert growth_integral(fine, 1e6, LIM).largest == pytest.approx(limit, abs=1e-5)
    assert limit == pytest.approx(0.0811, abs=5e-5)
    for current in (2.6, 4.0, 9.0, 50.0):
        assert 0 < growth_integral(PATH, current, LIM).largest < limit


def test_inside_the_window_nothing_grows():
    for current in (1.2, 2.0, 2.5):
        found = growth_integral(PATH, current, LIM)
        assert found.largest == 0.0
        assert (np.diff(found.log_amplitude) < 0).all()


def test_against_adaptive_quadrature():
    found = growth_integral(np.linspace(0.1, 0.8, 8), 0.3, LIM)
    expected = quad(lambda x: float(growth_rate(x, 0.3, LIM)) / 0.3, 0.1, 0.8, epsabs=1e-13)[0]
    assert found.log_amplitude[-1] == pytest.approx(expected, abs=1e-11)
    assert found.log_amplitude[0] == 0.0


def test_a_path_there_and_back_with_a_current_for_each_piece():
    there = np.linspace(0.2, 0.6, 41)
    path = np.concatenate([there, there[::-1]])  # with one piece at rest in the middle
    flow = np.where(np.arange(81) < 40, 0.4, -0.2)
    found = growth_integral(path, flow, LIM)
    up = growth_integral(there, 0.4, LIM).log_amplitude[-1]
    down = growth_integral(there[::-1], -0.2, LIM).log_amplitude[-1]
    assert found.log_amplitude[-1] == pytest.approx(up + down, abs=1e-12)
    assert found.log_amplitude[41] == found.log_amplitude[40]
    rises = [later - earlier for i, earlier in enumerate(found.log_amplitude) for later in found.log_amplitude[i:]]
    assert found.largest == pytest.approx(max(rises), abs=1e-14)


@pytest.mark.parametrize("path", [[0.5], [[0.1, 0.2]], [0.1, np.nan], [-0.01, 0.5], [0.5, 1.01]])
def test_paths_that_are_none(path):
    with pytest.raises(AnalysisError, match="path of compositions") as caught:
        growth_integral(np.array(path), 1.0, LIM)
    assert caught.value.field == "path"


@pytest.mark.parametrize("current", [-1.0, 0.0, np.nan, [1.0, -1.0]])
def test_a_current_that_does_not_belong(current):
    with pytest.raises(AnalysisError, match="does not belong") as caught:
        growth_integral(np.array([0.1, 0.2, 0.3]), current, LIM)
    assert "delithiation" in caught.value.remedy
