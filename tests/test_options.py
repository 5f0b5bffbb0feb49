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


class Numbers(Options):
    size: float | None = Field(None, description="size")
    steps: tuple[int, ...] = Field((1, 2), description="steps")
    either: bool | float = Field(1.0, description="either")
    on: bool = Field(True, description="switch")


@pytest.mark.parametrize("bad", [{"size": True}, {"size": False}, {"steps": [True, 2]}, {"steps": (1, False)}])
def test_yes_and_no_are_no_numbers(bad):
    with pytest.raises(OptionError, match="limit: a number, not yes or no") as caught:
        Numbers(**bad)
    assert caught.value.field == next(iter(bad))


def test_a_switch_stays_a_switch():
    assert Numbers(on=False, either=True) == Numbers(on=False, either=True)
    assert Numbers(either=True).either is True
    assert Numbers(size=2, steps=[3, 4]).steps == (3, 4)
