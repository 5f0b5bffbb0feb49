"""What the page on files shows works as it stands there."""

from __future__ import annotations

import re
import tomllib
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


def test_the_package_of_the_page_is_found_by_its_entry_point(tmp_path, monkeypatch) -> None:
    (toml,) = blocks("toml")
    project = tomllib.loads(toml)
    (code,) = [text for text in blocks("python") if "FORMAT" in text]
    ((group, ((name, target),)),) = ((group, tuple(ones.items())) for group, ones in
                                     project["project"]["entry-points"].items())  # fmt: skip
    # What an installer makes of it: the package, and the entry points in its metadata.
    package, module = target.split(".")
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [package]
    site = tmp_path / "site"
    (site / package).mkdir(parents=True)
    (site / package / "__init__.py").touch()
    (site / package / f"{module}.py").write_text(code)
    metadata = site / f"{project['project']['name'].replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-reader\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(str(site))
    path = tmp_path / "a.mine"
    path.write_bytes(b"MINE" + np.arange(100, 124, dtype="<u2").tobytes())
    assert open_recording(path)["counts"].values.ravel()[[0, -1]].tolist() == [100, 123]
    assert list_formats()[-1].name == "mine"


def test_every_dialect_and_format_is_on_the_page() -> None:
    for info in list_formats():
        assert info.name in PAGE, info.name
        for dialect in info.dialects:
            assert f"| {dialect.name} " in PAGE, dialect.name
