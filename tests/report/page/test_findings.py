from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from docs.pages import ROOT
from lithiscope.report.page.findings import kinetic_notices, kinetic_summary
from lithiscope.studies.recipe import Recipe


def texts(**results):
    return [notice.text for notice in kinetic_notices(results)]


def changed(data, **values):
    copy = data.copy(deep=True)
    for name, value in values.items():
        copy[name][...] = value
    return copy


def test_a_good_study_has_no_warnings(kinetics):
    assert kinetic_notices({k: v for k, v in kinetics.items() if k not in ("video", "table")}) == []


def test_the_summary_holds_k0_uniformity_and_verdict(kinetics):
    found = {quantity.label: quantity for quantity in kinetic_summary(kinetics)}
    assert (found["Rate constant k₀"].value, found["Rate constant k₀"].unit) == ("10.0 ± 0.3", "mA/m²")
    assert found["Rate constant k₀"].remark == "skewed lim"
    assert found["Half cycles"].remark == "0.6C to 2C"
    assert found["Limited by"].value == "surface reaction"
    values = kinetics["uniformity"]["uniformity"].values[:, [0, 2]]
    assert found["Uniformity, lithiation"].value == f"{values.mean():.2f}"
    assert kinetic_summary({}) == []


def test_an_unknown_drift_and_frames_outside_the_trace_are_told(kinetics):
    assert "drift" in texts(clock=changed(kinetics["clock"], drift_std=np.nan))[0]
    lost = kinetics["cell_frames"].copy(deep=True)
    lost["voltage_volt"][:5] = np.nan
    (told,) = texts(cell_frames=lost)
    assert told.startswith("5 of 32 frames lie outside the potentiostat's trace and have no voltage. Check the clock")


def test_a_large_ohmic_drop_is_told(kinetics):
    frames = kinetics["cell_frames"]
    small = frames.assign(ohmic_drop_volt=0.1 * frames["overpotential_volt"])
    large = frames.assign(ohmic_drop_volt=3 * frames["overpotential_volt"])
    assert texts(cell_frames=small) == []
    assert texts(cell_frames=large)[0].startswith("In 32 of 32 frames the ohmic drop")


def test_the_linear_law_is_warned_of_only_beyond_its_range(kinetics):
    table = kinetics["rate_table"]
    flowing = int((table["direction"].values != 0).sum())
    high = changed(table, overpotential_volt=0.15)
    assert texts(rate_table=high)[0].startswith(
        f"In {flowing} of {flowing} intervals the overpotential is above 120 mV"
    )
    assert texts(rate_table=high.assign_attrs(law="butler_volmer")) == []


def test_missing_thickness_and_few_particles_are_told(kinetics):
    table = kinetics["rate_table"]
    assert "thickness is missing" in texts(rate_table=changed(table, current_density=np.nan))[0]
    assert texts(rate_table=table.isel(particle=[0]))[0].startswith("Only 1 particle:")


def test_laws_that_are_not_decided_or_do_not_fit_are_told(kinetics):
    fit = kinetics["law_fit"]
    assert "do not decide" in texts(law_fit=fit.assign_attrs(preferred="none"))[0]
    poor = changed(fit, chi_square=64 * 9.0)
    assert "scatter 3.0 times more than their errors" in texts(law_fit=poor)[0]


def test_domains_in_the_noise_and_lone_particles_are_told(kinetics):
    assert "no domain stands out" in texts(domains=changed(kinetics["domains"], contrast=0.01))[0]
    one = kinetics["uniformity"].isel(particle=[1])
    (told,) = texts(uniformity=one)
    assert told.startswith("4 points of uniformity against C-rate stand on one particle each")
    assert "`lithiscope pool`" in told


def test_an_open_verdict_is_told(kinetics):
    evidence = kinetics["evidence"].assign_attrs(verdict="not decidable")
    (notice,) = kinetic_notices({"evidence": evidence})
    assert notice.severity == "note"
    assert "not decidable" in notice.text


@pytest.mark.parametrize("missing", ["clock", "rates"])
def test_rates_and_a_trace_without_a_clock_are_told(kinetics, missing):
    results = {name: kinetics[name] for name in ("cell_trace", "rates", "clock") if name != missing}
    assert any("No clock" in text for text in texts(**results)) == (missing == "clock")


def test_every_option_that_a_warning_names_is_one_of_the_recipe():
    text = (ROOT / "src" / "lithiscope" / "report" / "page" / "findings.py").read_text(encoding="utf-8")
    text = re.sub(r'"\n\s*f?"', "", text)
    named = sorted(set(re.findall(r"\b(?:cell|kinetics|data)\.[a-z_]+(?:\.[a-z_]+)*", text)) - {"data.items"})
    assert len(named) >= 8
    for path in named:
        section: Any = Recipe
        for part in path.split("."):
            assert part in section.model_fields, path
            section = section.model_fields[part].annotation
