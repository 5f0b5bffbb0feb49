from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.options import Options
from lithiscope.studies.recipe_text import commented_yaml, override, read_yaml


class Inner(Options):
    level: float = Field(0.5, description="fraction of the plateau, 0 to 1")
    names: tuple[str, ...] = Field((), description="names")


class Outer(Options):
    title: str = Field("a: b # c", description="the title")
    inner: Inner = Field(Inner(), description="what is inside")
    parts: tuple[Inner, ...] = Field((), description="several")
    maybe: int | None = Field(None, description="perhaps")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@given(
    title=st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=40),
    level=st.floats(0, 1),
    names=st.lists(st.text("abc: #'\"[]{}&*!|>%@-?", max_size=8), max_size=3),
    parts=st.integers(0, 3),
)
def test_what_is_written_with_comments_reads_back_the_same(tmp_path_factory, title, level, names, parts):
    inner = Inner(level=level, names=tuple(names))
    options = Outer(title=title, inner=inner, parts=(inner,) * parts)
    text = commented_yaml(options, header="a recipe\nof two lines")
    path = write(tmp_path_factory.mktemp("y") / "r.yaml", text)
    assert Outer(**read_yaml(path)) == options
    # Explained once in its section, and once at the first item of a list.
    assert text.count("# fraction of the plateau, 0 to 1") == 1 + (parts > 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!!python/object/apply:os.system ['echo no']", "not valid YAML"),
        ("a: &x [1]\nb: *x", "aliases are not allowed"),
        ("a: 1\na: 2", "stands twice"),
        ("inner:\n  a: 1\n  a: 2", "stands twice"),
        ("- 1\n- 2", "not a mapping"),
        ("", "not a mapping"),
        ("a: [1, 2", "not valid YAML"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("a: " + "x" * 1_100_000, "too large"),
    ],
)
def test_hostile_or_broken_yaml_is_one_clear_error(tmp_path: Path, text: str, words: str):
    path = write(tmp_path / "r.yaml", text)
    with pytest.raises(FileFormatError, match=words) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)


def test_absent_and_binary_recipes(tmp_path: Path):
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FileFormatError, match="not UTF-8"):
        read_yaml(tmp_path / "b.yaml")


def test_overrides_make_sections_and_keep_the_original():
    content = {"a": {"b": 1}}
    assert override(content, ["a.b=2", "c.d.e=[1, x]"]) == {"a": {"b": 2}, "c": {"d": {"e": [1, "x"]}}}
    assert content == {"a": {"b": 1}}


def test_overrides_reach_into_lists_by_either_spelling():
    content = {"parts": [{"rate": 1}, {"rate": 2}], "sizes": [3, 4]}
    for first, second in (("parts.0.rate", "sizes.1"), ("parts[0].rate", "sizes[1]")):
        changed = override(content, [f"{first}=5", f"{second}=[6]", "parts.1.new.deep=x"])
        assert changed == {"parts": [{"rate": 5}, {"rate": 2, "new": {"deep": "x"}}], "sizes": [3, [6]]}
    assert content["parts"][0] == {"rate": 1}
    assert override({"named": {"1": {"a": 0}}}, ["named.1.a=2"]) == {"named": {"1": {"a": 2}}}, "a mapping stays one"


@pytest.mark.parametrize(
    ("setting", "value", "limit"),
    [
        ("parts.2.rate=1", "2", "0 to 1"),
        ("parts.-1.rate=1", "-1", "0 to 1"),
        ("parts.first.rate=1", "first", "0 to 1"),
        ("parts[x]=1", "x", "0 to 1"),
        ("sizes.7=1", "7", "0 to 0"),
        ("none.0=1", "0", "none"),
        ("absent.0.rate=1", "absent.0", ""),
    ],
)
def test_an_item_that_is_not_there_is_named(setting, value, limit):
    with pytest.raises(OptionError, match="item") as caught:
        override({"parts": [{"rate": 1}, {"rate": 2}], "sizes": [3], "none": []}, [setting])
    assert (caught.value.field, caught.value.value) == (setting.partition("=")[0], value)
    assert limit in (caught.value.limit or "")
    assert "the whole list" in caught.value.remedy


@pytest.mark.parametrize(
    "setting", ["a.b", "=3", "a..b=1", "a.b.c=1", "a=[1", "a=2020-13-45", "a=" + "[" * 5000, "[0]=1"]
)
def test_settings_that_cannot_be_read_are_refused(setting: str):
    with pytest.raises(OptionError):
        override({"a": {"b": 1}}, [setting])
