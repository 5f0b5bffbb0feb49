from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import tifffile

from lithiscope.particles import import_labels
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.results import write_results
from lithiscope.studies.run import run_study
from lithiscope.studies.show import describe
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
    assert told[-3].startswith("page:")
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
    assert [line.split("] ")[1] for line in computed] == ["labels", "dose", "particles"]
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
    from lithiscope.studies.summary import figures

    found = figures(done[0])
    json.dumps({key: float(value) for key, value in found.items()})
    assert found["particles"] == 3
    assert found["frames"] == 4
    assert 0.01 < found["median_sigma_x"] < 0.1
    assert 130 < found["median_thickness_nm"] < 170
