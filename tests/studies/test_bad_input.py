"""Bad input, one kind at a time, through the whole way: one clear error, or NaN with its flag; never a wrong number."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lithiscope.errors import LithiscopeError
from lithiscope.stages import flag_bit
from lithiscope.studies.check import check_recipe
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.run import run_study

STILL = "{energies: false, scans: false}"
Damage = Callable[[Path], None]


def run(recipe: Path):
    return run_study(load_recipe(recipe), recipe.parent / "results")


def edit(file: str, pattern: str, replacement: str, count: int = 1) -> Damage:
    """Replace in one of the raw files; fails when there is nothing to replace."""

    def damage(raw: Path) -> None:
        path = raw / file
        text, number = re.subn(pattern, replacement, path.read_text(), count=count)
        assert number
        path.write_text(text)

    return damage


def images(scan: str, change: Callable[[np.ndarray], np.ndarray], energy: str = "000") -> Damage:
    """Change the counts of one image."""

    def damage(raw: Path) -> None:
        path = raw / f"{scan}_a{energy}.xim"
        counts = change(np.loadtxt(path))
        np.savetxt(path, counts, fmt="%g", delimiter="\t")

    return damage


def cut(file: str, share: float) -> Damage:
    def damage(raw: Path) -> None:
        content = (raw / file).read_bytes()
        (raw / file).write_bytes(content[: int(share * len(content))])

    return damage


def put(rows: slice, columns: slice, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(counts: np.ndarray) -> np.ndarray:
        counts[rows, columns] = value
        return counts

    return change


ERRORS: dict[str, tuple[Damage, str]] = {
    "wrong: no SDF at all": (lambda raw: (raw / "scan_001.hdr").write_text("hello"), r"scan_001\.hdr"),
    "wrong: an image of another size": (images("scan_001", lambda c: c[:, :-3]), r"scan_001_a000\.xim"),
    "wrong: text among the counts": (edit("scan_001_a000.xim", r"\d+", "many"), r"scan_001_a000\.xim"),
    "wrong: other energies in one scan": (edit("scan_001.hdr", r"706(\.0*)?", "707.5", count=0), "energ"),
    "truncated: the header": (cut("scan_001.hdr", 0.3), r"scan_001\.hdr"),
    "truncated: an empty header": (cut("scan_001.hdr", 0.0), r"scan_001\.hdr"),
    "truncated: all images gone": (
        lambda raw: [path.unlink() for path in raw.glob("scan_001_*.xim")],
        r"scan_001",
    ),
    "mis-sorted: the reference": (
        lambda raw: (raw / "LiFePO4.csv").write_text("energy (eV),od\n706,0.7\n703,0.3\n713,0.7\n704,0.5\n"),
        r"LiFePO4\.csv",
    ),
    "duplicated: energies": (edit("scan_001.hdr", r"706(\.0*)?", "703.0", count=0), "energ"),
    "duplicated: the same scan under two names": (
        lambda raw: [
            shutil.copy(path, raw / path.name.replace("scan_001", "scan_009")) for path in raw.glob("scan_001*")
        ],
        "same time",
    ),
    "duplicated: an image under another energy": (
        lambda raw: shutil.copy(raw / "scan_001_a001.xim", raw / "scan_001_a002.xim"),
        r"(?s)equal in every pixel.*scan_001\.hdr at 713 eV is scan_001\.hdr at 706 eV",
    ),
    "duplicated: an image of another scan": (
        lambda raw: shutil.copy(raw / "scan_001_a001.xim", raw / "scan_003_a001.xim"),
        r"(?s)equal in every pixel.*scan_003\.hdr at 706 eV is scan_001\.hdr at 706 eV",
    ),
    "duplicated: energies in a reference": (
        lambda raw: (raw / "LiFePO4.csv").write_text("energy (eV),od\n703,0.3\n706,0.7\n706,0.8\n713,0.7\n"),
        r"LiFePO4\.csv",
    ),
    "unit-less: positions": (edit("scan_001.hdr", r'(PAxis = \{[^}]*?Unit = )"[^"]*"', r'\1""'), "unit"),
    "unit-less: energies": (edit("scan_001.hdr", r'(StackAxis = \{[^}]*?Unit = )"[^"]*"', r'\1""'), r"[Uu]nit"),
    "wrong unit: the energy axis is a field": (
        edit("scan_001.hdr", r'(StackAxis = \{[^}]*?Unit = )"[^"]*"', r'\1"T"'),
        r"(StackAxis|energy|unit)",
    ),
    "NaN: in a reference": (
        lambda raw: (raw / "LiFePO4.csv").write_text("energy (eV),od\n703,0.3\n706,nan\n713,0.7\n"),
        r"LiFePO4\.csv",
    ),
    "wrong: a reference of another edge": (
        lambda raw: (raw / "LiFePO4.csv").write_text("energy (eV),od\n7100,0.3\n7120,0.7\n7130,0.7\n"),
        r"(?s)703",
    ),
    "wrong: two references that are the same": (
        lambda raw: shutil.copy(raw / "LiFePO4.csv", raw / "FePO4.csv"),
        "reference",
    ),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_what_cannot_be_used_is_one_clear_error(study, kind):
    damage, words = ERRORS[kind]
    recipe = study(align=STILL)
    damage(recipe.parent / "raw")
    with pytest.raises(LithiscopeError, match=words):
        run(recipe)


@pytest.mark.parametrize("section", ["particles: {labels: .}", "incident: {method: blank, blank: .}"])
def test_a_folder_in_place_of_a_file_is_one_clear_error(study, section):
    name, text = section.split(": ", 1)
    recipe = study(align=STILL, **{name: text})
    with pytest.raises(LithiscopeError, match="this is a folder, not a file"):
        run(recipe)


def test_yes_is_no_lithium_content(study):
    recipe = study(align=STILL)
    text, number = re.subn("lithium_content: 1", "lithium_content: yes", recipe.read_text())
    assert number == 1
    recipe.write_text(text)
    with pytest.raises(LithiscopeError, match=r"(?s)spectra\.LFP\.lithium_content.*not yes or no"):
        load_recipe(recipe)


def test_blank_areas_may_overlap(study):
    corners = [(1, 1, 9, 9), (4, 1, 12, 9)]
    rings = [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]] for x0, y0, x1, y1 in corners]
    recipe = study(align=STILL, incident="{blank: blank.geojson}")
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}} for ring in rings
    ]
    (recipe.parent / "raw" / "blank.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    density = run(recipe).results["optical_density"]
    assert density.attrs["blank_pixels"] == 11 * 8


def test_i0_without_its_mask_tells_where_it_stands_in_a_recipe(study):
    recipe = study(align=STILL, incident="{method: blank}")
    with pytest.raises(LithiscopeError, match=r"incident\.blank in a recipe"):
        run(recipe)


def test_more_dark_counts_than_counts_are_one_clear_error(study):
    recipe = study(align=STILL, correct="{dark_counts: 9000}")
    words = "dark counts exceed the counts"
    with pytest.raises(LithiscopeError, match=words):
        run(recipe)
    found = [finding for finding in check_recipe(load_recipe(recipe)) if finding.level == "error"]
    assert [words in finding.text for finding in found] == [True]


SPOT = slice(10, 12), slice(10, 20)
FLAGGED: dict[str, tuple[Damage, dict[str, str], str, tuple[slice, slice]]] = {
    "truncated: the last image of an aborted scan": (
        cut("scan_003_a002.xim", 0.5), {}, "missing", (slice(40, 50), slice(None))
    ),
    "missing: one image": (
        lambda raw: (raw / "scan_003_a002.xim").unlink(), {}, "missing", (slice(None), slice(None))
    ),
    "NaN: counts": (images("scan_003", put(*SPOT, np.nan)), {}, "missing", SPOT),
    "zero: counts": (images("scan_003", put(*SPOT, 0)), {}, "no_counts", SPOT),
    "negative: counts": (images("scan_003", put(*SPOT, -5)), {}, "no_counts", SPOT),
    "saturated: counts": (
        images("scan_003", put(*SPOT, 65535)), {"incident": "{saturation: 65535}"}, "saturated", SPOT
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FLAGGED)
@pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
def test_what_is_lost_is_nan_with_its_flag_and_nothing_else_is(study, kind):
    damage, sections, flag, (rows, columns) = FLAGGED[kind]
    recipe = study(align=STILL, **sections)
    before = run(recipe).results
    particles = before["labels"]["label"].values > 0
    whole = before["composition"]["lithium_fraction"].values[0][particles]
    damage(recipe.parent / "raw")
    video = run(recipe).results["composition"]
    bits = video["lithium_fraction_flag"].values
    lost = np.zeros(bits.shape[1:], dtype=bool)
    lost[rows, columns] = True
    assert ((bits[3] & flag_bit(flag)) != 0)[lost].all()
    assert np.isnan(video["lithium_fraction"].values[3][lost]).all()
    assert not (bits[:3] & flag_bit(flag)).any()
    np.testing.assert_array_equal(video["lithium_fraction"].values[0][particles], whole)


@pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
def test_a_detector_that_saturates_unsaid_costs_the_blank_and_says_so(study):
    recipe = study(align=STILL)
    raw = recipe.parent / "raw"
    for path in raw.glob("*.xim"):
        counts = np.loadtxt(path)
        np.savetxt(path, np.minimum(counts, 8000), fmt="%g", delimiter="\t")
    done = run(recipe)
    assert any("saturate" in text for text in done.warnings)
    cut = done.results["recording"]["counts"].values == 8000
    flags = done.results["counts"]["signal_flag"].values
    assert cut.sum() > 1000
    assert ((flags & flag_bit("saturated")) != 0)[cut].all()


def test_a_dip_of_the_beam_that_is_no_dump_is_told(study):
    recipe = study()
    images("scan_002", lambda counts: np.vstack([counts[:20], np.round(0.5 * counts[20:24]), counts[24:]]), "001")(
        recipe.parent / "raw"
    )
    (told,) = (text for text in run(recipe).warnings if "did the beam dip" in text)
    assert "4 lines are darker" in told
    assert "scan 2, 706 eV: lines 20-23 (0.5" in told


@pytest.mark.parametrize("energy", [0, 1, 2])
def test_a_picture_in_which_the_stage_slipped_has_no_value(study, energy):
    recipe = study()
    sound = run(recipe).results["particles"].load()
    slip = images("scan_002", lambda counts: np.vstack([counts[:25], np.roll(counts[25:], 6, axis=1)]), f"00{energy}")
    slip(recipe.parent / "raw")
    done = run(recipe)
    (told,) = (text for text in done.warnings if "stage slips" in text)
    assert "halves of 1 frame(s)" in told
    assert f"energy {(703, 706, 713)[energy]}" in told
    assert "by 6." in told or "by 5." in told
    found = done.results["particles"]
    assert np.isnan(found["lithium_fraction"].values[:, 2]).all()
    # The scans beside it are aligned as well as before.
    others = [0, 1, 3]
    away = (found["lithium_fraction"] - sound["lithium_fraction"]).values[:, others]
    assert np.nanmax(np.abs(away)) < 0.01
