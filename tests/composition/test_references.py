"""End members from spectra and from pictures."""

from __future__ import annotations

import numpy as np
import pytest

from composition import scene
from lithiscope.composition.xray import (
    ReferenceOptions,
    optical_density,
    references_from_frames,
    references_from_mask,
    references_from_spectra,
)
from lithiscope.errors import AnalysisError

AXIS = np.linspace(700.0, 720.0, 41)
SPECTRA = {"LFP": scene.spectrum(AXIS - 700, AXIS), "FP": scene.spectrum(2 * (AXIS - 700), AXIS)}
CONTENT = {"LFP": 1.0, "FP": 0.0}


def test_spectra_are_interpolated_and_keep_their_scale():
    references = references_from_spectra(SPECTRA, [703.1, 713.0], lithium_content=CONTENT)
    np.testing.assert_allclose(references["reference"], [[3.1, 13.0], [6.2, 26.0]])
    assert references["lithium_content"].values.tolist() == [1.0, 0.0]


def test_energy_offset_moves_the_spectrum_to_higher_energy():
    options = ReferenceOptions(energy_offset=0.5)
    references = references_from_spectra(SPECTRA, [703.0], lithium_content=CONTENT, options=options)
    np.testing.assert_allclose(references["reference"][:, 0], [2.5, 5.0])


def test_component_without_lithium_and_std():
    references = references_from_spectra(
        {**SPECTRA, "carbon": scene.spectrum(np.ones(41), AXIS)},
        [703.0],
        lithium_content=CONTENT,
        stds={"LFP": scene.spectrum(np.full(41, 0.1), AXIS)},
    )
    assert np.isnan(references["lithium_content"].values[2])
    np.testing.assert_allclose(references["reference_std"][:, 0], [0.1, 0.0, 0.0])


@pytest.mark.parametrize(
    ("energies", "content", "words"),
    [
        ([699.0], CONTENT, "does not cover"),
        ([720.5], CONTENT, "does not cover"),
        ([703.0], {"LPF": 1.0}, "LPF"),
        ([703.0], {}, "empty"),
    ],
)
def test_bad_references_say_what_is_wrong(energies, content, words):
    with pytest.raises(AnalysisError, match=words):
        references_from_spectra(SPECTRA, energies, lithium_content=content)


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_a_reference_that_does_not_absorb_is_refused(factor):
    spectra = {**SPECTRA, "LFP": factor * SPECTRA["LFP"]}
    with pytest.raises(AnalysisError, match=r"(?s)does not absorb.*LFP"):
        references_from_spectra(spectra, [703.0, 713.0], lithium_content=CONTENT)


def test_a_spectator_may_have_any_sign():
    spectra = {**SPECTRA, "carbon": scene.spectrum(np.full(41, -0.1), AXIS)}
    for content in (CONTENT, {**CONTENT, "carbon": np.nan}):
        references = references_from_spectra(spectra, [703.0, 713.0], lithium_content=content)
        np.testing.assert_allclose(references["reference"][2], -0.1)


@pytest.fixture
def halves():
    """One platelet, lithiated in frame 0 and delithiated in frame 1, seen once more with both in one picture."""
    rng = np.random.default_rng(9)
    thickness = scene.platelet((60, 60), 0.4)
    frames = np.stack([scene.densities(x, thickness) for x in (1.0, 0.0)])
    return optical_density(scene.recording(frames, rng=rng), spectrum=scene.incident_spectrum()), thickness > 0


def test_frames_give_the_end_members_with_their_sigma(halves):
    od, mask = halves
    references = references_from_frames(od, lithiated=[0], delithiated=[1], mask=mask)
    truth = np.stack([scene.LITHIATED, scene.DELITHIATED])
    pull = (references["reference"] - truth) / references["reference_std"]
    assert np.abs(pull).max() < 4  # six draws of a unit Gaussian
    # The mean of 2160 pixels with 1.6e4 exp(-OD) counts.
    np.testing.assert_allclose(references["reference_std"], np.sqrt(np.exp(truth) / 1.6e4 / 2160), rtol=0.02)


def test_pre_edge_scale_removes_the_thickness():
    rng = np.random.default_rng(10)
    thickness = np.ones((40, 40))
    thickness[:, 20:] = 2.0
    x = np.zeros((40, 40))
    x[:, :20] = 1.0
    od = optical_density(scene.recording(scene.densities(x, thickness), rng=rng), spectrum=scene.incident_spectrum())
    references = references_from_mask(
        od, lithiated=x > 0.5, delithiated=x < 0.5, options=ReferenceOptions(scale="pre_edge")
    )
    truth = np.stack([scene.LITHIATED, scene.DELITHIATED]) / 0.345
    pull = (references["reference"] - truth)[:, 1:] / references["reference_std"][:, 1:]
    assert np.abs(pull).max() < 4
    np.testing.assert_allclose(references["reference"][:, 0], 1.0)


def test_frame_error_is_in_the_reference(halves):
    od, mask = halves
    with_error = od.copy()
    with_error["signal_frame_std"] = (("time", "energy"), np.full((2, 3), 0.05), {"units": "1"})
    references = references_from_frames(with_error, lithiated=[0], delithiated=[1], mask=mask)
    np.testing.assert_allclose(references["reference_std"], 0.05, rtol=0.01)


def test_bad_pictures_say_what_is_wrong(halves):
    od, mask = halves
    with pytest.raises(AnalysisError, match="does not exist"):
        references_from_frames(od, lithiated=[2], delithiated=[1])
    with pytest.raises(AnalysisError, match="does not exist"):
        references_from_frames(od, lithiated=[], delithiated=[1])
    with pytest.raises(AnalysisError, match="holds no optical density"):
        references_from_frames(od, lithiated=[0], delithiated=[1], mask=np.zeros_like(mask))
    with pytest.raises(AnalysisError, match="does not absorb"):
        references_from_mask(od, lithiated=~mask, delithiated=mask, options=ReferenceOptions(scale="pre_edge"))
