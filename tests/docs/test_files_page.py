"""What the page on files shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from lithiscope.recordings import list_formats, open_recording, readers
from lithiscope.verification.file_builders import picture, write_tiff

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "files.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_yaml_of_the_page_is_read(tmp_path) -> None:
    given = picture(3)
    path = write_tiff(tmp_path / "a.tif", given)
    (text,) = blocks("yaml")
    path.with_suffix(".yaml").write_text(text)
    recording = open_recording(path)
    assert recording["energy"].values.tolist() == [706.2, 713.0, 713.8]
    assert recording.attrs["saturation"] == 60000
    assert recording["exposure_mid"].values.tolist() == [[10, 30, 50]]


def test_the_reader_of_the_page_works_as_a_plug_in(tmp_path, monkeypatch) -> None:
    (code,) = [text for text in blocks("python") if "FORMAT" in text]
    module = SimpleNamespace()
    exec(compile(code, "files.md", "exec"), module.__dict__)
    entry = SimpleNamespace(name="mine", load=lambda: module)
    monkeypatch.setattr(readers, "entry_points", lambda *, group: [entry])
    counts = np.arange(100, 124, dtype="<u2")
    path = tmp_path / "a.mine"
    path.write_bytes(b"MINE" + counts.tobytes())
    np.testing.assert_array_equal(open_recording(path)["counts"].values.ravel(), counts)
    assert list_formats()[-1].about == "our microscope"


def test_every_dialect_and_format_is_on_the_page() -> None:
    for info in list_formats():
        assert info.name in PAGE, info.name
        for dialect in info.dialects:
            assert f"| {dialect.name} " in PAGE, dialect.name
