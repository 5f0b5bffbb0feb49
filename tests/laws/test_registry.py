from importlib.metadata import EntryPoint

import numpy as np
import pytest

from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.laws import ExchangeLaw, exchange_law, exchange_law_names, reaction_law, registry


def parabola(height=4.0):
    return ExchangeLaw("parabola", "h x(1-x)", lambda x: height * x * (1 - x), lambda x: height * (1 - 2 * x))


def no_law():
    return "F"


class Found:
    """An entry point whose object is given instead of imported."""

    def __init__(self, name, target):
        self.name, self.target = name, target

    def load(self):
        return self.target


@pytest.fixture
def plug_ins(monkeypatch):
    def install(*entries):
        monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "lithiscope.laws" else ())

    return install


def test_a_plug_in_adds_a_law_of_its_kind(plug_ins):
    plug_ins(Found("exchange.parabola", parabola))
    assert exchange_law("parabola", height=2.0)(0.5) == 0.5
    assert exchange_law_names()[-1] == "parabola"
    with pytest.raises(OptionError, match="no such reaction law"):
        reaction_law("parabola")


def test_a_plug_in_cannot_replace_a_built_in_law(plug_ins):
    plug_ins(Found("exchange.symmetric", parabola))
    assert exchange_law("symmetric").formula == "2 sqrt(x(1-x))"
    assert exchange_law_names().count("symmetric") == 1


def test_a_plug_in_that_fails_to_load_warns_and_is_skipped(plug_ins):
    plug_ins(EntryPoint("exchange.broken", "no_such_module_at_all:law", registry.GROUP), Found("exchange.ok", parabola))
    with pytest.warns(LithiscopeWarning, match=r"exchange\.broken.*skipped"):
        assert "broken" not in exchange_law_names()
    assert np.isfinite(exchange_law("ok")(0.3))


def test_a_plug_in_that_is_no_function_warns_and_is_skipped(plug_ins):
    plug_ins(Found("exchange.number", 3))
    with (
        pytest.warns(LithiscopeWarning, match="not callable"),
        pytest.raises(OptionError, match="no such exchange law"),
    ):
        exchange_law("number")


def test_a_plug_in_that_gives_something_else_is_an_error(plug_ins):
    plug_ins(Found("exchange.text", no_law))
    with pytest.raises(OptionError, match="no exchange law") as caught:
        exchange_law("text")
    assert caught.value.value == "str"
    assert caught.value.limit == "ExchangeLaw"


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(OptionError, match="no such exchange law") as caught:
        exchange_law("skewed")
    assert "skewed_lim" in caught.value.limit
    assert caught.value.value == "skewed"


@pytest.mark.parametrize(
    ("name", "parameters"), [("butler_volmer", {"aplha": 0.5}), ("marcus", {}), ("linear", {"alpha": 0.5})]
)
def test_wrong_or_missing_parameters_show_the_right_ones(name, parameters):
    with pytest.raises(OptionError, match="parameters do not fit") as caught:
        reaction_law(name, **parameters)
    assert caught.value.field == name
    assert caught.value.limit.startswith(f"{name}(")
