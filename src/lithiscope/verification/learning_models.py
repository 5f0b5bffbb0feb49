"""Rows of `lithiscope verify learning --all` on telling a wrong model from the right one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.verification.rows import Row
from lithiscope.verification.virtual_learning import THICKNESS, Truth

if TYPE_CHECKING:
    from lithiscope.learning.fit import Mapper

_SOURCE = "evidence of each model; virtual particles of 150 pixels, sigma 0.07, voltage to 2 mV"
_BAR = "a bar of the design, with no slack"
_SEEDS = range(10)
_SMALL = {"shape": (16, 12), "volt_sigma": 0.002}
_FAST, _SLOW = 5.0, 0.6  # C: at overpotentials of some kT the laws of the reaction differ, and below they hardly do
_REORGANISATION = 8.3  # kT


def rows(mapper: Mapper = map) -> Iterator[Row]:
    """Yield the rows: for each truth, how often the right model is found, a wrong one is, or the data are too few.

    Parameters
    ----------
    mapper : callable
        `map`, or that of processes.
    """
    skewed = Truth(**_SMALL)  # type: ignore[arg-type]
    base: dict[str, Any] = {"thickness": THICKNESS, "voltage": True, "strain": "coherent", "law": "butler_volmer"}
    level = ("rate_field", "exchange_level", "chemical_potential")
    yield from _told(
        "j0(x) skewed against symmetric",
        skewed,
        {
            "right": base | {"unknowns": level, "exchange": "skewed_lim"},
            "wrong": base | {"unknowns": level, "exchange": "symmetric"},
        },
        mapper,
    )
    yield from _told(
        "k(r) with a spread of 0.5 in ln k against k the same everywhere",
        skewed,
        {"right": base, "wrong": base | {"unknowns": ("exchange_current", "chemical_potential")}},
        mapper,
    )
    coupled = {"law": "coupled_ion_electron", "law_parameters": {"reorganisation": _REORGANISATION}}
    for c_rate in (_FAST, _SLOW):
        transfer = Truth(
            exchange_current=25.0,
            exchange="coupled_ion_electron",
            law="coupled_ion_electron",
            reorganisation=_REORGANISATION,
            c_rate=c_rate,
            **_SMALL,  # type: ignore[arg-type]
        )
        name = f"coupled ion-electron transfer against Butler and Volmer at {c_rate:g}C, j0(x) free for both"
        yield from _told(name, transfer, {"right": base | coupled, "wrong": base}, mapper, enough=c_rate == _FAST)


class _Result(NamedTuple):
    """By how much the right model leads in ln evidence, and whether the verdict is that the data cannot tell."""

    lead: float
    open: bool


def _told(
    name: str, truth: Truth, models: Mapping[str, dict[str, Any]], mapper: Mapper, *, enough: bool = True
) -> Iterator[Row]:
    from lithiscope.learning.compare import DECIDED

    found = list(mapper(partial(_compared, truth, models), _SEEDS))
    lead, unsure = np.array([one.lead for one in found]), np.array([one.open for one in found])
    count = f"{name}, {len(lead)} seeds (difference of ln evidence {np.median(lead):.3g} in the middle)"
    right, wrong = lead >= DECIDED, lead <= -DECIDED
    if enough:
        share = float(np.mean(right))
        yield Row(f"share in which the right one is found: {count}", _SOURCE, 0.8, share, 0.0, _BAR, ">=")
    else:
        share = float(np.mean(right | unsure))
        yield Row(
            f"share in which the right one is found, or the verdict is that the data cannot tell: {count}",
            _SOURCE, 0.95, share, 0.0, _BAR, ">=",
        )  # fmt: skip
    share = float(np.mean(wrong))
    yield Row(f"share in which the wrong one is: {count}", _SOURCE, 0.05, share, 0.0, _BAR, "<=")


def _compared(truth: Truth, models: Mapping[str, dict[str, Any]], seed: int) -> _Result:
    from lithiscope.learning import LearnOptions
    from lithiscope.learning.compare import compare, verdict

    options = {key: LearnOptions(**given) for key, given in models.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        found = compare(truth.video(seed), options)
    evidence = {one.name: one.log_evidence for one in found}
    return _Result(evidence["right"] - evidence["wrong"], "cannot tell" in verdict(found, 2 * truth.frames))
