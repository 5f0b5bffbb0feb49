from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.report import FigureOptions, reference_figure, region_spectrum, spectra_figure
from report import scene

SVG = FigureOptions(format="svg")


def test_the_mean_spectrum_and_its_fit_agree_within_the_noise(od, video, references, labels):
    found = region_spectrum(od, video, references, labels.values == 1, name="P01", frame=1)
    assert found.pixels == (labels.values == 1).sum()
    assert list(found.components) == ["LFP", "FP", "offset"]
    # The scene: 0.02 per pixel at an apparent noise 0.85 of the native; the mean's error is that of the native noise.
    np.testing.assert_allclose(found.random_std, 0.02 / 0.85 / np.sqrt(found.pixels), rtol=1e-5)
    assert np.all(np.abs(found.residual) < 4 * found.random_std)


def test_the_fit_is_the_sum_of_its_components(od, video, references, labels):
    found = region_spectrum(od, video, references, labels.values == 2, name="P02")
    inside = labels.values == 2
    whole = np.isfinite(od["signal"].values[0][:, inside]).all(axis=0)
    mean = video["coefficient"].values[0][:, inside][:, whole].astype(float).mean(axis=1)
    design = np.vstack([references["reference"].values, np.ones(3)])
    np.testing.assert_allclose(found.fit, mean @ design, rtol=1e-6)


def test_a_slope_is_drawn_as_the_unmixing_defines_it(od, video, references, labels):
    sloped = video.assign_coords(component=["LFP", "FP", "slope"])
    found = region_spectrum(od, sloped, references, labels.values == 1, name="P01")
    energy = od["energy"].values
    np.testing.assert_allclose(found.components["slope"], 0.1 * (energy - energy.mean()) / np.ptp(energy), rtol=1e-5)


def test_components_without_a_known_shape_give_no_fit(od, video, references, labels):
    strange = video.assign_coords(component=["LFP", "FP", "carbon"])
    assert region_spectrum(od, strange, references, labels.values == 1, name="P01").components == {}


def test_energies_without_a_reference_have_no_fit_there(od, video, references, labels):
    fewer = stages.new(
        "references",
        {"reference": ("component energy", references["reference"].values[:, :2])},
        coords={"energy": ("energy", references["energy"].values[:2]), "component": ("component", ["LFP", "FP"])},
    )
    found = region_spectrum(od, video, fewer, labels.values == 1, name="P01")
    assert np.isfinite(found.fit[:2]).all()
    assert np.isnan(found.fit[2])


def test_a_region_without_a_whole_spectrum_is_refused(od, video, references):
    nowhere = np.zeros(scene.SHAPE, dtype=bool)
    with pytest.raises(AnalysisError, match="whole spectrum"):
        region_spectrum(od, video, references, nowhere, name="nowhere")


def test_figures_name_regions_components_and_energies(od, video, references, labels):
    names = dict(enumerate(scene.NAMES, start=1))
    text = spectra_figure(od, video=video, references=references, labels=labels, names=names, options=SVG).decode()
    assert all(word in text for word in ("P01  (664 px)", "LFP", "offset", "fit", "residual", "703", "706", "713"))


def test_many_energies_no_labels_no_fit(video, od):
    references = scene.make_references(np.linspace(700, 716, 40))
    many = scene.make_od(video, references)
    assert b"all material" in spectra_figure(many, video=video, references=references, options=SVG)
    text = spectra_figure(od, options=SVG)
    assert b"whole picture" in text
    assert b"residual" not in text


def test_a_scan_that_is_lost_is_refused(od, labels):
    lost = od.copy(deep=True)
    lost["signal"][0] = np.nan
    with pytest.raises(AnalysisError, match="choose another frame"):
        spectra_figure(lost, labels=labels, frame=0)


def test_references_show_what_they_stand_for(references):
    text = reference_figure(references, options=SVG).decode()
    assert "LFP (x = 1)" in text
    assert "FP (x = 0)" in text
