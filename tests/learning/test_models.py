"""The models that are worth comparing with one."""

from __future__ import annotations

from typing import get_args

import pytest

from lithiscope.errors import OptionError
from lithiscope.learning import LearnOptions
from lithiscope.learning.models import AS_ASKED, ModelName, chosen, in_words, named, variants


def test_variants_change_one_thing_each() -> None:
    found = variants(LearnOptions(strain="coherent", law="marcus", unknowns=("rate_field", "exchange_current")))
    assert found["as_asked"].law == "marcus"
    assert "marcus" not in found
    assert found["butler_volmer"].law == "butler_volmer"
    other = found["coupled_ion_electron"]
    assert other.law_parameters == {"reorganisation": 8.3}
    assert other.unknowns == ("rate_field", "exchange_current", "reorganisation")
    assert found["j0_symmetric"].unknowns == ("rate_field", "exchange_level")
    assert found["same_k_everywhere"].unknowns == ("exchange_current",)
    assert found["without_strain"].strain == "none"


def test_every_variant_has_a_name_to_type_and_words() -> None:
    names = {*variants(LearnOptions(strain="coherent")), *variants(LearnOptions(law="marcus"))} - {AS_ASKED}
    assert names == set(get_args(ModelName))
    assert all(in_words(name) != name for name in (AS_ASKED, *names))


def test_a_model_is_not_compared_with_itself() -> None:
    assert "butler_volmer" not in variants(LearnOptions())  # the law of the set
    level = LearnOptions(unknowns=("rate_field", "exchange_level", "chemical_potential"), exchange="skewed_lim")
    found = variants(level)
    assert "j0_skewed_lim" not in found
    assert found["j0_constant"] == level.model_copy(update={"exchange": "constant"})


def test_names_may_be_written_as_people_write_them() -> None:
    assert [named(one) for one in ("Marcus", "same k everywhere", "j0-symmetric")] == [
        "marcus", "same_k_everywhere", "j0_symmetric",
    ]  # fmt: skip
    with pytest.raises(OptionError, match="no such model") as caught:
        named("Nernst")
    assert "butler_volmer" in str(caught.value)


def test_the_model_asked_for_is_always_among_the_chosen() -> None:
    assert list(chosen(LearnOptions(), ["marcus"])) == [AS_ASKED, "marcus"]
    assert chosen(LearnOptions()) == variants(LearnOptions())
    with pytest.raises(OptionError, match="no other model"):
        chosen(LearnOptions(), ["without_strain"])
