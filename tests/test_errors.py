from __future__ import annotations

from lithiscope.errors import FileFormatError, LithiscopeError


def test_a_message_names_file_field_value_limit_and_remedy_in_that_order():
    error = FileFormatError("bad", file="a.hdr", field="Dwell", value=-1, limit="> 0", remedy="set dwell")
    assert str(error).splitlines() == [
        "bad",
        "  file: a.hdr",
        "  field: Dwell",
        "  value: -1",
        "  limit: > 0",
        "  remedy: set dwell",
    ]
    assert isinstance(error, LithiscopeError)


def test_long_values_are_shortened():
    assert "(5000 characters)" in str(LithiscopeError("bad", value="x" * 5000))
