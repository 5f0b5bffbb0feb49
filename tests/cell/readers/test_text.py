from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.cell.readers.text import Table, decimal_of, decode, is_text, read_columns, rows_after
from lithiscope.errors import FileFormatError, LithiscopeWarning

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def table(data: bytes, width: int = 3, **changes) -> Table:
    return Table(Path("a.txt"), data, width, changes.pop("separator", "\t"), **changes)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=30), st.booleans(), st.booleans())
def test_every_digit_of_a_number_is_kept(rows, comma, trailing) -> None:
    lines = ["\t".join(repr(value) for value in row) + "\t" * trailing for row in rows]
    text = "\n".join(lines) + "\n"
    data = (text.replace(".", ",") if comma else text).encode()
    read = read_columns(table(data, decimal="," if comma else "."), [0, 1, 2])
    np.testing.assert_array_equal(np.column_stack([read[n] for n in range(3)]), np.array(rows))


def test_the_fast_and_the_slow_way_agree() -> None:
    rows = [f"{n},{n / 7!r},{n * 1e-9!r}" for n in range(50)]
    fast = read_columns(table("\n".join(rows).encode(), separator=","), [0, 1, 2])
    broken = [*rows[:20], "?", *rows[20:]]
    with pytest.warns(LithiscopeWarning, match="1 of 51 rows"):
        slow = read_columns(table("\n".join(broken).encode(), separator=",", lines_before=3), [0, 1, 2])
    for column in range(3):
        np.testing.assert_array_equal(np.delete(slow[column], 20), fast[column])


def test_a_long_row_is_not_cut_to_fit() -> None:
    with pytest.warns(LithiscopeWarning, match="line 2"):
        read = read_columns(table(b"1\t2\t3\n4\t5\t6\t7\n8\t9\t10\n"), [0, 2])
    np.testing.assert_array_equal(read[0], [1, np.nan, 8])


def test_a_long_and_a_short_row_do_not_make_up_for_each_other() -> None:
    with pytest.warns(LithiscopeWarning, match="2 of 3 rows"):
        read = read_columns(table(b"1\t2\t3\n4\t5\n8\t9\t10\t11\n"), [0, 2])
    np.testing.assert_array_equal(read[0], [1, np.nan, np.nan])


def test_an_empty_last_column_is_no_short_row() -> None:
    read = read_columns(table(b"1\t2\t\n4\t5\t\n"), [0, 1])
    np.testing.assert_array_equal(read[1], [2, 5])


def test_blank_lines_and_quotes() -> None:
    read = read_columns(table(b'"1"\t2\t3\r\n\r\n4\t"5"\t6\r\n\r\n'), [0, 1, 2])
    np.testing.assert_array_equal(read[1], [2, 5])


def test_rows_of_another_width_than_the_names() -> None:
    with pytest.raises(FileFormatError, match="no row has as many fields") as caught:
        read_columns(table(b"1\t2\n3\t4\n", lines_before=10), [0])
    assert caught.value.field == "line 11"


def test_no_rows() -> None:
    read = read_columns(table(b"\r\n"), [0], [1])
    assert len(read[0]) == len(read[1]) == 0


@pytest.mark.parametrize(("lines", "expected"), [(3, b"d"), (1, b"b\rc\r\nd"), (0, b"a\nb\rc\r\nd"), (9, b"")])
def test_lines_end_in_three_ways(lines, expected) -> None:
    assert rows_after(b"a\nb\rc\r\nd", lines) == expected


def test_decimal_marks() -> None:
    assert decimal_of([b"01.10.2024 11:02:30\t2,5\t7"], "\t") == ","
    assert decimal_of([b"1.5\t2"], "\t") == "."
    assert decimal_of([b"1,5"], ",") == "."
    assert decimal_of([], "\t") == "."


def test_letters_of_two_encodings() -> None:
    assert decode(b"\xb5A") == decode("\u00b5A".encode()) == "\u00b5A"
    assert decode(b"\xef\xbb\xbftime/s") == "time/s"
    assert not is_text(b"\x00\x01")
    assert not is_text(b"")
