from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import tifffile

from lithiscope.particles import import_labels
from lithiscope.stages import flag_counts
from lithiscope.studies.exports.files import export_study
from lithiscope.studies.figures import figure_options, write_figures
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.results import write_results
from lithiscope.studies.run import run_study
from lithiscope.studies.show import describe
from lithiscope.studies.summary import figures
from lithiscope.studies.vary import vary_option


@pytest.fixture
def done(study):
    recipe = study()
    folder = recipe.parent / "results"
    ran = run_study(load_recipe(recipe), folder)
    return ran, folder, write_results(ran, folder)


def test_every_file_is_there_and_says_the_same(done):
    ran, folder, told = done
    table = ran.results["particles"]
    rows = list(csv.DictReader(io.StringIO((folder / "particles.csv").read_text())))
    assert len(rows) == table.sizes["particle"] * table.sizes["time"]
    np.testing.assert_allclose(
        [float(row["lithium_fraction"]) for row in rows], table["lithium_fraction"].values.ravel(), rtol=1e-6
    )
    with tifffile.TiffFile(folder / "lithium_fraction.tif") as tiff:
        stack, metadata = tiff.asarray(), tiff.imagej_metadata
    video = ran.results["composition"]
    np.testing.assert_array_equal(stack[:, 0], video["lithium_fraction"].values)
    np.testing.assert_array_equal(stack[:, 1], video["lithium_fraction_std"].values)
    assert metadata is not None
    assert metadata["unit"] == "micron"
    assert metadata["finterval"] == pytest.approx(np.diff(video["time"]).mean(), rel=1e-6)
    again = import_labels(folder / "outlines.zip", video)
    np.testing.assert_array_equal(again.values > 0, ran.results["labels"]["label"].values > 0)
    assert told[-4].startswith("page:")
    assert not list(folder.glob("*.partial"))


def test_the_page_holds_the_study(done):
    ran, folder, _ = done
    text = (folder / "page.html").read_text()
    assert "a small beamtime" in text
    for heading in ("Lithium maps", "Particles", "Provenance", "Dose", "Incident counts", "Systematic shifts"):
        assert heading in text
    assert ran.provenance["inputs"]["scan_000.hdr"] in text
    assert len(text) < 5e6


def test_show_tells_steps_inputs_and_versions(done):
    _, folder, _ = done
    text = "\n".join(describe(folder))
    assert "a small beamtime" in text
    assert "composition" in text
    assert "lithiscope 0." in text
    assert describe(folder / "study.zarr") == describe(folder)


def test_vary_shares_what_the_option_does_not_touch(study, capsys):
    recipe = study()
    folder = recipe.parent / "results"
    run_study(load_recipe(recipe), folder)
    said = []

    class Notes:
        def track(self, items, *, label, total=None):
            yield from items

        def say(self, message):
            said.append(message)

    lines = vary_option(recipe, "particles.find.threshold=0.3,0.5", folder=folder, reporter=Notes())
    computed = [line for line in said if line.startswith("[") and "up to date" not in line]
    # 0.5 is the default, already in the main store; 0.3 needs its own masks and table only.
    assert [line.split("] ")[1] for line in computed] == ["labels", "tracks", "dose", "particles"]
    rows = list(csv.DictReader(io.StringIO((folder / "vary-particles.find.threshold.csv").read_text())))
    assert [row["particles.find.threshold"] for row in rows] == ["0.3", "0.5"]
    assert float(rows[0]["median_area_um2"]) > float(rows[1]["median_area_um2"])
    assert any(line.startswith("median_sigma_x") for line in lines)
    assert (folder / "vary-particles.find.threshold.png").stat().st_size > 5000


@pytest.mark.parametrize("choice", ["particles.find.threshold", "a.b=1", "=1,2", "particles.find.threshold=0.5,0.5"])
def test_a_choice_that_cannot_be_read_is_refused(study, choice):
    recipe = study()
    with pytest.raises(Exception, match="a choice cannot be read"):
        vary_option(recipe, choice, folder=recipe.parent / "results")


def test_figures_are_plain_json(done):
    found = figures(done[0])
    json.dumps({key: float(value) for key, value in found.items()})
    assert found["particles"] == 3
    assert found["frames"] == 4
    assert 0.01 < found["median_sigma_x"] < 0.1
    assert 130 < found["median_thickness_nm"] < 170


@pytest.mark.parametrize("main", [True, False])
def test_a_name_is_one_particle_in_all_variants(study, main):
    recipe = study()
    folder = recipe.parent / "results"
    folder.mkdir()
    if main:
        run_study(load_recipe(recipe), folder)
    # By themselves the few large ones would be p01, p02.
    for choice in ("particles.find.min_area=0.05,0.9", "particles.find.min_area=0.9,0.05"):
        vary_option(recipe, choice, folder=folder)
        rows = list(csv.DictReader(io.StringIO((folder / "vary-particles.find.min_area.csv").read_text())))
        few, all_ = sorted(rows, key=lambda row: float(row["particles"]))
        known = [name for name, value in few.items() if name.startswith("x_first_p") and value not in ("", "nan")]
        assert 0 < len(known) < 2 * 3
        assert float(few["particles"]) < 3
        for name in known:
            # The same pixels: the mask of a particle does not depend on the smallest area.
            assert float(few[name]) == pytest.approx(float(all_[name]), rel=1e-6), (choice, name)


TWO_CYCLES = (
    "{folder: raw, timezone: UTC, series: [{direction: lithiation, cycle: 0, files: ['scan_00[01].hdr']}, "
    "{direction: lithiation, cycle: 1, files: ['scan_00[23].hdr']}]}"
)


def test_one_mask_per_cycle_goes_through_to_every_file(study):
    recipe = study(data=TWO_CYCLES)
    folder = recipe.parent / "results"
    write_results(run_study(load_recipe(recipe), folder), folder)
    assert (folder / "outlines.zip").is_file()
    ran = run_study(load_recipe(recipe, settings=["particles.find.per_cycle=true"]), folder)
    write_results(ran, folder)
    label, video = ran.results["labels"]["label"], ran.results["composition"]
    assert label.sizes["cycle"] == 2
    counts = [int((mask.values > 0).sum()) for mask in label]
    assert counts[0] != counts[1], "the masks do not differ, so that a wrong one would not be seen"
    # Every frame under the mask of its own cycle: two frames each.
    x, flag = (video[name].values for name in ("lithium_fraction", "lithium_fraction_flag"))
    expected, flags = (
        np.concatenate([one[frame][label.values[frame // 2] > 0] for frame in range(4)]) for one in (x, flag)
    )
    found = figures(ran)
    assert found["pixels_with_value"] == np.isfinite(expected).sum()
    assert found["median_x"] == pytest.approx(np.nanmedian(expected), rel=1e-12)
    for name, count in flag_counts(flags).items():
        assert found[f"flagged_{name}"] == count
    assert "Lithium maps" in (folder / "page.html").read_text()
    assert not (folder / "outlines.zip").exists(), "of an earlier mask"
    for cycle in range(2):
        again = import_labels(folder / f"outlines-cycle-{cycle}.zip", video)
        np.testing.assert_array_equal(again.values > 0, label.values[cycle] > 0)
    export_study(folder, ["supplement"])
    (sheet,) = (file.read_text() for file in (folder / "export").glob("*.md"))
    areas = max(ran.results["particles"]["area"].values, key=np.ptp)
    assert f"{areas.min():.3f} to {areas.max():.3f}" in sheet
    assert write_figures(folder, only=["lithium-maps", "particles"], options=figure_options("png", width=4.0))
    write_results(run_study(load_recipe(recipe), folder), folder)
    assert (folder / "outlines.zip").is_file()
    assert not list(folder.glob("outlines-cycle-*"))
