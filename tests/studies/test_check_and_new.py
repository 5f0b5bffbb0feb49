from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from lithiscope.errors import OptionError
from lithiscope.recordings import join_scans, open_recording
from lithiscope.studies.check import check_recipe
from lithiscope.studies.check_particles import check_particles
from lithiscope.studies.new import write_recipe
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.rehearsal import rehearse, scans_to_try


def findings(recipe: Path, *settings: str):
    return check_recipe(load_recipe(recipe, settings=settings))


def errors(found):
    return [finding.text for finding in found if finding.level == "error"]


def test_a_good_recipe_has_no_errors_and_tells_energies_and_memory(study):
    found = findings(study())
    assert errors(found) == []
    text = "\n".join(map(str, found))
    assert "4 file(s), lithiation" in text
    assert "(scans 0 to 3)" in text
    assert "could be done with scans 0 to 1" in text
    assert "703, 706, 713 eV" in text
    assert "memory: about" in text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["data.series=[{files: ['none_*.hdr']}]"], "no file matches"),
        (["references.spectra.LFP.file=none.csv"], "none.csv"),
        (["references={}"], "give spectra, or"),
        (["references.spectra.LFP.lithium_content=null"], "two end members"),
        (["references.spectra.LFP.lithium_content=0"], "do not span a range"),
        (["references.spectra.LFP.file=FePO4.csv"], "told apart"),
        (["data.series=[{files: ['scan_*.hdr', 'scan_001.hdr']}]"], "given twice"),
        (["data.series=[{files: ['/scan_*.hdr']}]"], "pattern of files cannot be used"),
        (["data.series=[{files: ['']}]"], "pattern of files cannot be used"),
        (["references.energy_offset=40"], "but the data have"),
        (["incident.method=spectrum"], "names no file"),
        (["incident.blank=none.tif"], "there is no file"),
        (["particles.labels=none.zip"], "there is no file"),
        (["correct.dark=none.hdr"], "there is no file"),
        (["references={lithiated_mask: none.tif, delithiated_mask: none.tif}"], "there is no file"),
        (["references={lithiated_scans: [3], delithiated_scans: [9]}"], "there is no scan 9; there are scans 0 to 3"),
        (["references.lithiated_scans=[3]"], "end members are not given"),
        (["references.lithiated_pixels=[[3, 4]]"], "end members are not given"),
        (["references={lithiated_pixels: [[3, 4]]}"], "lithiated_pixels and delithiated_pixels"),
        (["references={lithiated_pixels: [[3, 4]], delithiated_pixels: [[50, 0]]}"], "columns 0 to 49"),
        (["references={lithiated_pixels: [[3, 4]], delithiated_pixels: [[3, 4]]}"], "lithiated and delithiated"),
        (["particles.table.exclude=[{scan: 7, reason: x}]"], "there is no scan 7"),
        (["data.series=[{files: [scan_000.hdr, scan_001.hdr]}, {files: [scan_001.hdr]}]"], "belongs to two series"),
        (["composition.thickness.formula=Xx2"], "attenuation of a material"),
        (["composition.systematics.incident_fraction=[0.1, 0.1]"], "do not fit the energies"),
        (["align.invariant.pre_edge_below=600"], "no energy lies before the edge"),
        (["align.registration.along=energy"], "no such axis"),
        (["correct.dead_time=1.0"], "dead time"),
        (["correct.saturation=5"], "enough pixels to find I0"),
    ],
)
def test_what_would_stop_a_run_is_found_before(study, settings, words):
    found = errors(findings(study(), *settings))
    assert any(words in text for text in found), found


def test_a_smallest_area_that_no_particle_has_is_found_before(study):
    (large,) = errors(findings(study(), "particles.find.min_area=50"))
    assert "min_area 50 um2" in large
    assert "the largest of" in large


@pytest.mark.filterwarnings("ignore::lithiscope.errors.LithiscopeWarning")
def test_particles_that_cannot_be_are_told(study):
    path = study()
    scans = [open_recording(file) for file in sorted((path.parent / "raw").glob("scan_*.hdr"))]
    recording = join_scans(scans)[0]
    present = np.isfinite(recording["counts"].values).sum(axis=(1, 2, 3)).tolist()
    composition = rehearse(load_recipe(path), recording.isel(time=scans_to_try(load_recipe(path), present))).composition

    def told(*settings: str) -> list[tuple[str, str]]:
        return [(one.level, one.text) for one in check_particles(load_recipe(path, settings=settings), composition)]

    exclude = "particles.table.exclude=[{{particle: {}, reason: x}}]".format
    there = ("ok", "3 particle(s) in one of the scans that were tried")
    assert told() == told(exclude("p02")) == [there]
    # A run before may have given more names than there are particles now, but not twice as many.
    assert [level for level, _ in told(exclude("p04"))] == ["ok", "warning"]
    absent = "particles.table.exclude: there is no particle {}; there are p01, p02, p03".format
    assert told(exclude("p99")) == [there, ("error", absent("p99"))]
    assert told(exclude("P02")) == [there, ("error", absent("P02"))]
    ((level, text),) = told("particles.find.min_area=50")
    assert level == "error"
    largest = float(text.split("the largest of ")[1].split(" um2")[0])
    assert [level for level, _ in told(f"particles.find.min_area={1.2 * largest:.4f}")] == ["warning"]
    label = np.zeros((scans[0].sizes["y"], scans[0].sizes["x"]), dtype=np.uint16)
    label[4:12, 4:12], label[20:30, 20:30] = 1, 2
    tifffile.imwrite(path.parent / "raw" / "drawn.tif", label)
    drawn = told("particles.labels=drawn.tif", exclude("p03"))
    assert drawn == [("error", "particles.table.exclude: there is no particle p03; there are p01, p02")]


@pytest.mark.parametrize("values", ["1e4,0,1e4", "1e4,-5,1e4", "1e4,nan,1e4", "1e4,,1e4"])
def test_an_incident_spectrum_that_cannot_be_is_found_before(study, values):
    recipe = study()
    rows = "\n".join(f"{energy},{value}" for energy, value in zip((700, 706, 720), values.split(","), strict=True))
    (recipe.parent / "raw" / "bad.csv").write_text(f"energy (eV),i0\n{rows}\n")
    found = errors(findings(recipe, "incident.spectrum=bad.csv"))
    assert len(found) == 1, found


@pytest.mark.parametrize("field", ["incident.blank", "particles.labels"])
def test_a_mask_that_does_not_fit_is_found_before(study, field):
    recipe = study()
    tifffile.imwrite(recipe.parent / "raw" / "small.tif", np.ones((10, 10), dtype=np.uint8))
    found = errors(findings(recipe, f"{field}=small.tif"))
    assert any("another size" in text for text in found), found


def test_a_scan_that_was_lost_does_not_stop_the_trial(study):
    recipe = study()
    for path in (recipe.parent / "raw").glob("scan_000_a00[12].xim"):
        path.unlink()
    found = findings(recipe)
    assert errors(found) == []
    assert any("could be done with scans 1 to 2" in finding.text for finding in found), found


def test_scans_that_do_not_fit_together_are_found(study):
    recipe = study()
    raw = recipe.parent / "raw"
    header = (raw / "scan_003.hdr").read_text()
    (raw / "scan_003.hdr").write_text(header.replace("Points = (3,", "Points = (2,", 1))
    assert errors(findings(recipe))


def test_a_missing_image_in_the_middle_is_found_before(study):
    recipe = study()
    (recipe.parent / "raw" / "scan_001_a001.xim").unlink()
    found = findings(recipe)
    assert any(finding.level == "warning" and "scan_001" in finding.text for finding in found), found


def test_a_name_with_brackets_is_a_file_not_a_pattern(study):
    recipe = study()
    raw = recipe.parent / "raw"
    for path in sorted(raw.glob("scan_000*")):
        path.rename(raw / path.name.replace("scan_000", "scan[0]"))
    assert errors(findings(recipe, "data.series=[{files: ['scan[0].hdr', 'scan_001.hdr']}]")) == []


def test_new_writes_a_recipe_that_is_valid_and_explains_itself(tmp_path, beamtime):
    out = tmp_path / "recipe.yaml"
    told = write_recipe([str(beamtime / "scan_*.hdr")], out)
    assert any("4 file(s), 3 energies" in line for line in told)
    recipe = load_recipe(out)
    assert recipe.composition.unmix.mode == "few_energy"
    assert len(recipe.data.series[0].files) == 4
    text = out.read_text()
    assert "# spectra:" in text
    assert "# share of the plateau" in text
    (missing,) = errors(check_recipe(recipe))
    assert missing.startswith("references: give spectra, or lithiated_scans and delithiated_scans")


def test_new_never_overwrites_and_says_what_is_missing(tmp_path, beamtime):
    out = tmp_path / "recipe.yaml"
    out.write_text("precious")
    with pytest.raises(OptionError, match="exists already"):
        write_recipe([str(beamtime / "scan_*.hdr")], out)
    assert out.read_text() == "precious"
    with pytest.raises(OptionError, match="no file matches"):
        write_recipe([str(tmp_path / "*.hdr")], tmp_path / "other.yaml")
