"""Every part of the engine with every other: built, or refused with the reason; some of them run."""

from __future__ import annotations

import itertools

import pytest

from lithiscope.verification import phasefield_combinations as combinations


@pytest.fixture(scope="module")
def why() -> dict[tuple[str, ...], str | None]:
    """Two of the free energies, for the time it takes: the long run of verify builds all."""
    axes = (("regular solution", "table"), *combinations.AXES[1:5])
    return {names: combinations.built(names)[1] for names in itertools.product(*axes)}


def test_every_combination_is_built_or_refused_with_the_reason_and_what_to_do(why) -> None:
    assert len(why) == 2 * 7 * 5 * 8 * 4
    refused = [reason for reason in why.values() if reason is not None]
    assert 0 < len(refused) < len(why) / 2
    assert [names for names, reason in why.items() if not combinations.as_ruled(names, reason)] == []


def test_a_constant_that_two_parts_share_must_be_the_same_in_both() -> None:
    assert len(combinations.disagreements()) == 7
    assert combinations.unnoticed() == []


def test_a_wrong_outcome_is_noticed(why) -> None:
    closed = ("table", "closed", "none", "platelet", "none")
    assert not combinations.as_ruled(closed, None), "built, where nothing can happen"
    assert not combinations.as_ruled(closed, ""), "refused without a word"
    assert not combinations.as_ruled(closed, why["table", "linear, table of j0", "none", "rim", "none"]), "another part"
    assert not combinations.as_ruled(("table", "closed", "Fickian", "platelet", "none"), why[closed]), "nothing wrong"


def test_the_combinations_to_run_hold_every_pair_that_is_possible(why) -> None:
    chosen = combinations.pairwise(lambda names: names[:5] in why and combinations.allowed(names, why))
    assert len(chosen) < 100
    held = {pair for names in chosen for pair in combinations._pairs(names)}
    for names in (("table", "Butler-Volmer", "Fickian", "rim", "none", "V(t)"), chosen[0]):
        assert set(combinations._pairs(names)) <= held
    assert all(names[5] == "rest" for names in chosen if names[1] == "closed")


@pytest.mark.parametrize("law", ["Butler-Volmer", pytest.param("coupled ion-electron", marks=pytest.mark.long)])
def test_cells_on_their_own_follow_a_trace(law: str) -> None:
    assert combinations.run(("table", law, "none", "platelet", "coherent", "I(t)")) <= 1e-12


@pytest.mark.long
@pytest.mark.parametrize(("geometry", "strain"), [("periodic platelet", "periodic"), ("rim", "free surface")])
@pytest.mark.parametrize("law", ["Butler-Volmer", "Butler-Volmer, alpha, film"])
def test_bulk_transport_under_strain_by_crystal(geometry: str, strain: str, law: str) -> None:
    names = ("regular solution", law, "Cahn-Hilliard, fast", geometry, strain, "current, then potential")
    assert combinations.run(names) <= 1e-12
