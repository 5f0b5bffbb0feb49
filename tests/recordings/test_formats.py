"""The list of formats: every reader is in it, and says by what it is recognised."""

from __future__ import annotations

import json
from types import SimpleNamespace

from lithiscope.recordings import list_formats, readers
from lithiscope.studies.formats import format_lines


def test_every_built_in_reader_says_whose_files_these_are() -> None:
    found = list_formats()
    assert [info.name for info in found] == [reader.FORMAT for reader in readers.readers()]
    for info in found:
        assert info.about
        assert info.recognised
        assert all(ending.startswith(".") or "/" in ending for ending in info.endings)
    assert {info.name for info in found if info.written} == {"SDF", "NXstxm"}


def test_the_dialects_of_nexus_are_listed() -> None:
    nexus = next(info for info in list_formats() if info.name == "NXstxm")
    assert {"Pixelator", "Diamond", "HERMES", "pySTXM", "pystxmcontrol"} == {way.name for way in nexus.dialects}


def test_a_plug_in_is_listed_even_if_it_says_little(monkeypatch) -> None:
    plain = SimpleNamespace(FORMAT="vendor", can_open=None, list_regions=None, open_region=None)
    entry = SimpleNamespace(name="vendor-plug-in", load=lambda: plain)
    monkeypatch.setattr(readers, "entry_points", lambda *, group: [entry])
    last = list_formats()[-1]
    assert (last.name, last.plug_in, last.endings, last.written) == ("vendor", "vendor-plug-in", (), "")
    text = "\n".join(format_lines())
    assert "vendor  (any ending; read, plug-in vendor-plug-in)" in text


def test_text_and_json_say_the_same() -> None:
    listed = json.loads("\n".join(format_lines(as_json=True)))
    text = "\n".join(format_lines())
    assert [row["name"] for row in listed] == [info.name for info in list_formats()]
    for row in listed:
        assert f"\n{row['name']}  (" in text
        assert all(f"- {way['name']}: " in text for way in row["dialects"])
    assert max(map(len, text.splitlines())) <= 120
