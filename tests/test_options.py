from __future__ import annotations

import pytest
from pydantic import Field

from lithiscope.errors import OptionError
from lithiscope.options import Options, option_error


class Inner(Options):
    level: float = Field(0.5, ge=0, le=1, description="level")


class Outer(Options):
    inner: Inner = Field(Inner(), description="inner")
    count: int = Field(1, description="count")


def test_options_are_frozen_and_strict_about_names():
    with pytest.raises(OptionError, match="Extra inputs"):
        Outer(cuont=2)
    with pytest.raises(Exception, match="frozen"):
        Outer().count = 2


def test_the_error_of_a_nested_option_names_its_whole_path():
    with pytest.raises(OptionError) as caught:
        Outer(inner={"level": 3})
    assert caught.value.field == "inner.level"
    assert caught.value.value == 3
    assert "less than or equal to 1" in str(caught.value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "many", None, [0.5]])
def test_values_that_are_no_number_are_refused(bad):
    with pytest.raises(OptionError, match="level"):
        Inner(level=bad)


def test_several_errors_are_counted():
    with pytest.raises(OptionError, match="and 1 more"):
        Outer(inner={"level": 3}, count="x")
    assert option_error.__doc__
