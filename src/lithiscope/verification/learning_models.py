"""Rows of `lithiscope verify learning --all` on telling a wrong model from the right one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.verification.rows import Row
from lithiscope.verification.virtual_learning import THICKNESS, Truth

_SOURCE = "evidence of each model; virtual particles of 150 pixels, sigma 0.07, voltage to 2 mV"
_BAR = "a bar of the design, with no slack"
_SEEDS = range(10)
_SMALL = {"shape": (16, 12), "volt_sigma": 0.002}
_FAST = 5.0  # C: at overpotentials of some kT the laws of the reaction differ
_REORGANISATION = 8.3  # kT


def rows() -> Iterator[Row]:
    """Yield the rows: for each truth, how often the right model is found and how often a wrong one is."""
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
    )
    yield from _told(
        "k(r) with a spread of 0.5 in ln k against k the same everywhere",
        skewed,
        {"right": base, "wrong": base | {"unknowns": ("exchange_current", "chemical_potential")}},
    )
    transfer = Truth(
        exchange_current=25.0,
        exchange="coupled_ion_electron",
        law="coupled_ion_electron",
        reorganisation=_REORGANISATION,
        c_rate=_FAST,
        **_SMALL,  # type: ignore[arg-type]
    )
    coupled = {"law": "coupled_ion_electron", "law_parameters": {"reorganisation": _REORGANISATION}}
    yield from _told(
        f"coupled ion-electron transfer against Butler and Volmer at {_FAST:g}C, j0(x) free for both",
        transfer,
        {"right": base | coupled, "wrong": base},
    )


def _told(name: str, truth: Truth, models: Mapping[str, dict[str, Any]]) -> Iterator[Row]:
    from lithiscope.learning import LearnOptions
    from lithiscope.learning.compare import DECIDED, compare

    options = {key: LearnOptions(**given) for key, given in models.items()}
    leads = []
    for seed in _SEEDS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LithiscopeWarning)
            found = {one.name: one.log_evidence for one in compare(truth.video(seed), options)}
        leads.append(found["right"] - found["wrong"])
    lead = np.array(leads)
    count = f"{name}, {len(lead)} seeds (difference of ln evidence {np.median(lead):.3g} in the middle)"
    right, wrong = float(np.mean(lead >= DECIDED)), float(np.mean(lead <= -DECIDED))
    yield Row(f"share in which the right one is found: {count}", _SOURCE, 0.8, right, 0.0, _BAR, ">=")
    yield Row(f"share in which the wrong one is: {count}", _SOURCE, 0.05, wrong, 0.0, _BAR, "<=")
