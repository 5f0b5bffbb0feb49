"""Model spectra: the stated table, and references of stated purity."""

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.instruments.stxm import FEPO4, LIFEPO4, optical_density_per_nanometre, reference_spectra


def test_the_stated_optical_densities_of_150_nanometres() -> None:
    energies = [703.0, 706.0, 708.2, 709.9, 713.0]
    np.testing.assert_allclose(
        150 * optical_density_per_nanometre(LIFEPO4, energies), [0.345, 0.782, 1.912, 1.227, 0.747], atol=5e-4
    )
    np.testing.assert_allclose(
        150 * optical_density_per_nanometre(FEPO4, energies), [0.345, 0.381, 1.144, 2.054, 1.162], atol=5e-4
    )


def test_the_peaks_lie_where_the_phases_have_them() -> None:
    energies = np.arange(700.0, 716.0, 0.01)
    assert energies[optical_density_per_nanometre(LIFEPO4, energies).argmax()] == pytest.approx(708.2, abs=0.1)
    assert energies[optical_density_per_nanometre(FEPO4, energies).argmax()] == pytest.approx(709.9, abs=0.1)


def test_impure_references_are_mixtures() -> None:
    energies = [703.0, 706.0, 713.0]
    pure = reference_spectra(energies)
    impure = reference_spectra(energies, lithiated=0.89, delithiated=0.11)
    mixed = 0.89 * pure.sel(component="LiFePO4") + 0.11 * pure.sel(component="FePO4")
    np.testing.assert_allclose(impure.sel(component="LiFePO4"), mixed)
    np.testing.assert_allclose(impure.sum("component"), pure.sum("component"))
    np.testing.assert_allclose(reference_spectra(energies, thickness=300.0), 2 * pure)


@pytest.mark.parametrize("energy", [500.0, 1000.0, float("nan")])
def test_energies_outside_the_model_are_refused(energy: float) -> None:
    with pytest.raises(OptionError, match="680 to 760 eV"):
        optical_density_per_nanometre(FEPO4, [705.0, energy])


def test_equal_or_swapped_references_are_refused() -> None:
    with pytest.raises(OptionError, match="must differ"):
        reference_spectra([703.0], lithiated=0.2, delithiated=0.2)
