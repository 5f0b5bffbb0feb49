from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import FileFormatError
from lithiscope.recordings.sdf.grammar import DEEPEST, parse

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}( [a-z]{1,4})?", fullmatch=True).filter(
    lambda name: name.lower() not in ("true", "false")
)
words = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(
    lambda word: word.lower() not in ("true", "false")
)
scalars = (
    st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number == float(repr(number)))
    | st.booleans()
    | words
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def written(value) -> str:
    if isinstance(value, dict):
        return "{" + "".join(f" {name} = {written(part)};\n" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "(" + ", ".join(map(written, value)) + ")"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


@given(st.dictionaries(names, values, max_size=5))
def test_what_is_written_is_read_back(tree) -> None:
    text = "".join(f"{name} = {written(value)};\r\n" for name, value in tree.items())
    assert parse(text) == (tree, [])


@given(st.text(alphabet='ab 1.,;=(){}"\n', max_size=80))
def test_any_text_gives_a_tree_or_a_clear_error(text) -> None:
    # The one error allowed is that of nesting too deeply.
    with suppress(FileFormatError):
        tree, mended = parse(text)
        assert isinstance(tree, dict)
        assert isinstance(mended, list)


def test_a_recursion_bomb_is_refused() -> None:
    for opening in ("a={", "a=(", "a={b=("):
        with pytest.raises(FileFormatError, match=f"{DEEPEST} levels"):
            parse(opening * 100_000, file="bomb.hdr")


def test_keys_with_spaces_and_blank_values() -> None:
    assert parse("Sample X Position = 3.5; Empty = ; ZP_dest= -8754.58;")[0] == {
        "Sample X Position": 3.5,
        "Empty": "",
        "ZP_dest": -8754.58,
    }


@pytest.mark.parametrize(
    ("text", "tree", "mended"),
    [
        ("A = { B = 1; }; }; C = 2;", {"A": {"B": 1}, "C": 2}, "stray '}'"),
        ("A = { B = { C = 1; }; D = 2;", {"A": {"B": {"C": 1}, "D": 2}}, "'{' without '}'"),
        ("A = { P = (2, 1, 2; Q = 3; };", {"A": {"P": [2, 1, 2], "Q": 3}}, "'(' without ')'"),
        ('A = "open; \n B = 2;', {"A": "open;", "B": 2}, "unfinished string"),
        ("A = 1; A = 2;", {"A": 1}, "given twice"),
        ("noise; A = 1;", {"A": 1}, "without a value"),
    ],
)
def test_what_is_broken_is_mended_and_told(text, tree, mended) -> None:
    found, notes = parse(text)
    assert found == tree
    assert any(mended in note for note in notes)


def test_a_missing_semicolon_at_a_line_end_is_no_matter() -> None:
    assert parse("A = 1\nB = 2") == ({"A": 1, "B": 2}, [])


def test_decimal_commas_outside_lists() -> None:
    assert parse("Dwell = 0,433; Next = -1,5;")[0] == {"Dwell": 0.433, "Next": -1.5}


def test_scalars() -> None:
    tree, _ = parse("a = 1e3; b = .5; c = -3; d = TRUE; e = 1.2.3; f = nan; g = 0001;")
    assert tree == {"a": 1000.0, "b": 0.5, "c": -3, "d": True, "e": "1.2.3", "f": "nan", "g": 1}
