from __future__ import annotations

from types import SimpleNamespace

import pytest

from lithiscope.errors import FileFormatError, LithiscopeWarning
from lithiscope.recordings import guess_format, open_recording, readers
from recordings.conftest import make_recording


def plug_in(monkeypatch, load) -> None:
    entry = SimpleNamespace(name="other", load=load)
    monkeypatch.setattr(readers, "entry_points", lambda *, group: [entry] if group == "lithiscope.recordings" else [])


def test_the_built_in_formats(write_scan) -> None:
    assert guess_format(write_scan()) == "SDF"


def test_a_plug_in_reads_its_files(monkeypatch, tmp_path) -> None:
    recording = make_recording(make_counts(), [700.0, 710.0])
    reader = SimpleNamespace(
        FORMAT="other",
        can_open=lambda path: path.suffix == ".other",
        list_regions=lambda path: ["all"],
        open_region=lambda path, region, *, timezone, channel: recording,
    )
    plug_in(monkeypatch, lambda: reader)
    path = tmp_path / "a.other"
    path.write_text("")
    assert guess_format(path) == "other"
    assert open_recording(path) is recording


def make_counts():
    import numpy as np

    return np.ones((2, 3, 3))


def test_a_plug_in_that_fails_warns_and_is_skipped(monkeypatch, tmp_path, write_scan) -> None:
    def fail():
        raise ImportError("no vendor library")

    plug_in(monkeypatch, fail)
    assert open_recording(write_scan()).attrs["format"] == "SDF"
    unknown = tmp_path / "a.dat"
    unknown.write_text("")
    with (
        pytest.warns(LithiscopeWarning, match="'other' was skipped"),
        pytest.raises(FileFormatError, match=r"no reader[\s\S]*SDF, [\s\S]*NXstxm"),
    ):
        guess_format(unknown)


def test_no_file_and_a_folder(tmp_path) -> None:
    for path in (tmp_path / "nothing.hdr", tmp_path):
        with pytest.raises(FileFormatError, match="no such file"):
            open_recording(path)


def test_an_image_file_instead_of_its_header(write_scan) -> None:
    path = write_scan()
    with pytest.raises(FileFormatError, match=r"\.hdr"):
        open_recording(path.with_name("A_a000.xim"))


def test_a_header_of_another_program(tmp_path) -> None:
    path = tmp_path / "envi.hdr"
    path.write_text("ENVI\nsamples = 100\n")
    with pytest.raises(FileFormatError, match="no reader"):
        open_recording(path)
