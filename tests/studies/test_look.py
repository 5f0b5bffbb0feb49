from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lithiscope import stages
from lithiscope.errors import FileFormatError
from lithiscope.recordings import open_recording, write_sdf
from lithiscope.studies.look import look


def rewritten(beamtime: Path, tmp_path: Path, change) -> Path:
    """A copy of the third scan with its counts changed."""
    scan = open_recording(beamtime / "scan_002.hdr", timezone="UTC")
    counts = change(scan["counts"].values.copy())
    flag = np.where(np.isnan(counts), stages.flag_bit("missing"), 0)
    scan = scan.assign(counts=(scan["counts"].dims, counts.astype("f4"), scan["counts"].attrs),
                       counts_flag=(scan["counts"].dims, flag.astype("u2"), scan["counts_flag"].attrs))  # fmt: skip
    return write_sdf(scan, tmp_path / "changed.hdr")


def test_a_good_scan_gives_a_picture_and_no_warning(beamtime):
    seen = look(beamtime / "scan_002.hdr")
    picture = Image.open(io.BytesIO(seen.picture))
    assert picture.width > 1000
    assert seen.warnings == []
    text = "\n".join(seen.lines)
    assert "50 x 50 pixels of 70 nm, 3 energies 703 to 713 eV" in text
    # Three platelets of about 1 um2 each, in a field of 3.5 x 3.5 um.
    share = float(text.split("material: ")[1].split(" %")[0])
    assert 15 < share < 40
    assert "contrast between 706 and 713 eV" in text


def test_saturation_is_seen(beamtime, tmp_path):
    level = np.percentile(open_recording(beamtime / "scan_002.hdr")["counts"].values, 60)
    seen = look(rewritten(beamtime, tmp_path, lambda counts: np.minimum(counts, round(float(level)))))
    assert any("saturation?" in text for text in seen.warnings)


def test_stray_light_is_feared_where_the_sample_is_too_thick(beamtime, tmp_path):
    def thicken(counts):
        blank = np.percentile(counts, 95, axis=(-2, -1), keepdims=True)
        return np.round(blank * (counts / blank) ** 4)

    assert any("stray light" in text for text in look(rewritten(beamtime, tmp_path, thicken)).warnings)


def test_missing_lines_and_empty_pixels_are_told(beamtime, tmp_path):
    def damage(counts):
        counts[0, 1, 30:] = np.nan
        counts[0, 2, :3] = 0
        return counts

    warnings = "\n".join(look(rewritten(beamtime, tmp_path, damage)).warnings)
    assert "is missing" in warnings
    assert "has no counts" in warnings


def test_a_copy_of_another_energy_is_told(beamtime, tmp_path):
    def copied(counts):
        counts[0, 2] = counts[0, 1]
        return counts

    (told,) = look(rewritten(beamtime, tmp_path, copied)).warnings
    assert "equal in every pixel" in told
    assert "at 713 eV is" in told
    assert "at 706 eV" in told


def test_a_picture_without_beam_leaves_no_contrast(beamtime, tmp_path):
    def darken(counts):
        counts[0, 2] = 0
        return counts

    lines = look(rewritten(beamtime, tmp_path, darken)).lines
    assert "contrast between 706 and 713 eV: no material with counts at both" in lines


def test_a_file_that_is_no_scan_is_one_clear_error(tmp_path):
    path = tmp_path / "notes.hdr"
    path.write_text("dear diary")
    with pytest.raises(FileFormatError, match=r"notes\.hdr"):
        look(path)


def test_the_real_stack_warns_of_its_opaque_grains(real_data):
    seen = look(real_data / "stxm" / "als_fe_l_edge_71214078" / "71214078.hdr")
    assert any("stray light" in text for text in seen.warnings)
    assert any("125 x 125 pixels of 80 nm, 123 energies" in line for line in seen.lines)
