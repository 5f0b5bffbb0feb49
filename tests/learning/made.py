"""Learned laws and particles made by hand, so that nothing has to be fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from lithiscope import stages
from lithiscope.learning import LearnOptions
from lithiscope.learning.compared import Compared, comparison_of

X = np.linspace(0.01, 0.99, 99)
TERMS = (2.6, -0.1, 0.3)


def exchange(x: np.ndarray) -> np.ndarray:
    """j0(x) in A/m2: the law of Lim 2016 with k0 = 0.2 A/m2, and a bump."""
    return np.asarray(0.6 * (1 - x) * np.sqrt(x * (1 - x)) * np.exp(0.3 * np.sin(5 * x)))


def potential(x: np.ndarray) -> np.ndarray:
    """mu(x) in kT with zero constant."""
    return np.asarray(np.log(x / (1 - x)) + np.polynomial.legendre.legval(1 - 2 * x, [0.0, *TERMS]))


def laws(
    *, low: float = 0.15, high: float = 0.85, numbers: dict[str, tuple[float, float, str]] | None = None, **more: Any
) -> Any:
    """The stage learned_laws; `more` are options of the learning."""
    terms = {f"mu term {n}": (value, 0.1 * n, "kT") for n, value in enumerate(TERMS, 1)}
    shown = {"j0 level": (0.1, 0.02, "A/m2"), **terms} if numbers is None else numbers
    names = list(shown)
    known = (low - 1e-9 <= X) & (high + 1e-9 >= X)
    correlation = np.eye(len(names))
    if len(names) > 1:
        correlation[0, 1] = correlation[1, 0] = -0.8
    mu = potential(X)
    columns = [np.array([shown[name][k] for name in names]) for k in range(2)]
    variables = {
        "exchange_current_density": ("x_grid", exchange(X)),
        "exchange_current_density_std": ("x_grid", 0.1 * exchange(X)),
        "chemical_potential": ("x_grid", mu - mu[known].mean() if known.any() else mu),
        "chemical_potential_std": ("x_grid", np.full(len(X), 0.2)),
        "identifiable": ("x_grid", known),
        "parameter_mean": ("parameter", np.zeros(len(names))),
        "parameter_std": ("parameter", np.full(len(names), 0.3)),
        "parameter_value": ("parameter", columns[0]),
        "parameter_value_std": ("parameter", columns[1]),
        "parameter_unit": ("parameter", np.array([shown[name][2] for name in names], dtype=str)),
        "correlation": ("parameter parameter_other", correlation),
    }
    coords = {
        "x_grid": ("x_grid", X),
        "parameter": ("parameter", np.array(names, dtype=str)),
        "parameter_other": ("parameter_other", np.array(names, dtype=str)),
    }
    attrs = {
        "law": "butler_volmer",
        "material": "lfp_cogswell_bazant_2012",
        "log_evidence": 12.0,
        "chi_square_per_freedom": 1.01,
        "iterations": 7,
        "converged": 1,
        "warnings": ["the error bars <are> too small"],
        "options": LearnOptions(**more).model_dump_json(),
        "particles": 2,
    }
    return stages.new("learned_laws", variables, coords=coords, attrs=attrs)


def particle(video: int = 0, label: int = 1, *, frames: int = 5, seed: int = 0) -> Any:
    """The stage learned_particle of a platelet of 7 x 5 pixels."""
    random = np.random.default_rng(seed)
    mask = np.ones((7, 5), bool)
    mask[0, 0] = mask[-1, -1] = False
    field = np.where(mask, 0.4 * random.standard_normal(mask.shape), np.nan)
    model = np.where(mask, np.linspace(0.1, 0.9, frames)[:, None, None] + 0.05 * np.nan_to_num(field), np.nan)
    noise = 0.05 * random.standard_normal(model.shape)
    measured = model + noise
    measured[1, 3, 3] = np.nan  # a pixel that was not trusted
    variables = {
        "log_rate": ("y x", field),
        "log_rate_std": ("y x", np.where(mask, 0.1, np.nan)),
        "log_rate_flag": ("y x", np.where(mask, 0, stages.flag_bit("no_material"))),
        "lithium_fraction": ("time y x", model),
        "measured": ("time y x", measured),
        "residual": ("time y x", np.nan_to_num(-noise / 0.05) + np.where(mask, 0.0, np.nan)),
        "voltage_volt": ("time", np.linspace(3.45, 3.39, frames)),
    }
    coords = {
        "time": ("time", 600.0 * np.arange(frames)),
        "half_cycle": ("time", np.zeros(frames, int)),
        "direction": ("time", np.ones(frames, int)),
        "y": ("y", 0.05 * np.arange(7)),
        "x": ("x", 0.05 * np.arange(5)),
    }
    return stages.new("learned_particle", variables, coords=coords, attrs={"video": video, "particle": label})


def comparison(held_back: float = np.nan) -> Any:
    """The stage model_comparison of a good model, one whose fit did not converge, and one that cannot follow."""
    found = [
        Compared("as_asked", 12.0, 1.01, held_back, True),
        Compared("marcus", -40.0, 1.4, np.nan, False, ("a pattern in space", "frames that look shifted")),
        Compared("a <model>", -np.inf, np.nan, np.nan, False, (), "it <cannot> follow"),
    ]
    return comparison_of(found, 18, LearnOptions())


def sampled(ratio: float = 1.05, moved: float = 0.2, **attrs: Any) -> Any:
    """The stage sampled_laws of two chains whose deviations and means are so many of those of the fit."""
    names, wide = np.array(["j0 level", "mu term 1"]), np.array([0.1, 0.3])
    rows = np.full(len(X), 0.2)
    mu = potential(X)
    draws = np.random.default_rng(0).standard_normal((2, 50, 2))
    curves = {"log_exchange_current_density": np.log(exchange(X)), "chemical_potential": mu}
    variables: dict[str, Any] = {
        "identifiable": ("x_grid", (X > 0.1) & (X < 0.9)),
        "parameter_mean": ("parameter", moved * wide),
        "parameter_std": ("parameter", ratio * wide),
        "parameter_laplace": ("parameter", np.zeros(2)),
        "parameter_laplace_std": ("parameter", wide),
        "parameter_r_hat": ("parameter", np.array([1.001, 1.002])),
        "parameter_sample_size": ("parameter", np.array([900.0, 800.0])),
        "parameter_draw": ("chain draw parameter", draws),
    }
    for name, middle in curves.items():
        variables[name], variables[f"{name}_std"] = ("x_grid", middle + moved * rows), ("x_grid", ratio * rows)
        variables[f"{name}_laplace"], variables[f"{name}_laplace_std"] = ("x_grid", middle), ("x_grid", rows.copy())
    told = {"converged": 1, "r_hat": 1.002, "sample_size": 800.0, "divergences": 0, "options": "{}"}
    told |= {"warnings": ["the error bars <are> too small", "the scale of ln k is <1.02> times that of the fit"]}
    coords = {"x_grid": ("x_grid", X), "parameter": ("parameter", names)}
    return stages.new("sampled_laws", variables, coords=coords, attrs=told | attrs)


def sampled_particle(video: int = 0, label: int = 1) -> Any:
    """The stage sampled_particle of a platelet of 7 x 5 pixels."""
    variables = {"log_rate": ("y x", np.zeros((7, 5))), "log_rate_std": ("y x", np.full((7, 5), 0.1))}
    coords = {"y": ("y", 0.05 * np.arange(7)), "x": ("x", 0.05 * np.arange(5))}
    return stages.new("sampled_particle", variables, coords=coords, attrs={"video": video, "particle": label})


def tree(**options: Any) -> Any:
    """What `learn` gives, of two particles."""
    import xarray as xr

    parts = {"/laws": laws(**options), "/particle/0_1": particle(), "/particle/0_2": particle(label=2, seed=1)}
    return xr.DataTree.from_dict(parts)
