"""Invariant pictures: a change of x must not show in them."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope.composition.xray import InvariantOptions, invariant_image, optical_density
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.stages import flag_bit


def density_of(x, *, noise=False, lithiated=scene.LITHIATED, delithiated=scene.DELITHIATED):
    rng = np.random.default_rng(0)
    od = np.stack([scene.densities(frame, np.ones(frame.shape), lithiated, delithiated) for frame in x])
    return optical_density(scene.recording(od, rng=rng, noise=noise), spectrum=scene.incident_spectrum())


@pytest.mark.parametrize("mode", ["pre_edge", "isosbestic", "amount"])
def test_front_does_not_show(mode):
    x = np.zeros((2, 40, 40))
    x[1, :, :20] = 1.0
    picture = invariant_image(density_of(x), references=scene.references(), options=InvariantOptions(mode=mode))
    assert picture.attrs["quantity"] == "invariant"
    assert float(np.ptp(picture["signal"].values)) < 1e-5
    assert float(picture["signal"].mean()) == pytest.approx({"pre_edge": 0.345}.get(mode, 1.0), abs=1e-4)


@pytest.mark.parametrize("mode", ["pre_edge", "isosbestic", "amount"])
def test_noise_is_propagated(mode):
    picture = invariant_image(
        density_of(np.full((1, 120, 120), 0.3), noise=True),
        references=scene.references(),
        options=InvariantOptions(mode=mode),
    )
    # 14400 pixels: 0.6 %; four sigma.
    assert float(picture["signal"].std() / picture["signal_std"].mean()) == pytest.approx(1.0, abs=0.024)


def test_isosbestic_is_the_least_noisy_blind_combination():
    x = np.full((1, 20, 20), 0.5)
    amount = invariant_image(
        density_of(x), references=scene.references(), options=InvariantOptions(mode="amount", offset=False)
    )
    blind = invariant_image(density_of(x), references=scene.references(), options=InvariantOptions(mode="isosbestic"))
    weights = np.array(blind.attrs["energy_weights"])
    assert weights @ (scene.LITHIATED - scene.DELITHIATED) == pytest.approx(0.0, abs=1e-12)
    assert np.sum(weights**2) <= np.sum(np.square(amount.attrs["energy_weights"])) + 1e-12


def test_missing_energy_is_missing_in_the_picture():
    density = density_of(np.full((1, 8, 8), 0.5))
    density["signal"][0, 1, 2, 2] = np.nan
    density["signal_flag"][0, 1, 2, 2] = flag_bit("saturated")
    picture = invariant_image(density, references=scene.references(), options=InvariantOptions(mode="amount"))
    assert np.isnan(picture["signal"][0, 2, 2])
    assert picture["signal_flag"].values[0, 2, 2] == flag_bit("saturated")
    assert np.isfinite(invariant_image(density)["signal"]).all()  # the pre-edge itself is there


def test_error_of_incident_and_gain_pass():
    density = density_of(np.full((1, 8, 8), 0.5))
    density["signal_frame_std"] = (("time", "energy"), np.array([[0.01, 0.02, 0.03]]), {"units": "1"})
    density["noise_gain"] = (("time", "energy"), np.full((1, 3), 0.8), {"units": "1"})
    picture = invariant_image(density)
    assert float(picture["signal_frame_std"][0]) == pytest.approx(0.01)
    assert float(picture["noise_gain"][0]) == pytest.approx(0.8)


def test_what_cannot_be_made_is_refused():
    density = density_of(np.full((1, 8, 8), 0.5))
    with pytest.raises(OptionError, match="needs references"):
        invariant_image(density, options=InvariantOptions(mode="amount"))
    with pytest.raises(AnalysisError, match="before the edge"):
        invariant_image(density, options=InvariantOptions(pre_edge_below=700.0))
    proportional = scene.references(scene.LITHIATED, 2 * scene.LITHIATED)
    with pytest.raises(AnalysisError, match="blind to lithium"):
        invariant_image(density, references=proportional, options=InvariantOptions(mode="isosbestic"))
