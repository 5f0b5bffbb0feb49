"""The pathway of every particle, and how the pathways go with the rate (Lim 2016, fig. 3F)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.pathways_options import PathwayOptions

if TYPE_CHECKING:
    import xarray as xr

UNIFORM, NONUNIFORM, SEPARATED = "uniform solid solution", "nonuniform solid solution", "phase separation"
PATHWAYS = (SEPARATED, NONUNIFORM, UNIFORM)
OPEN = "not decidable"


def pathway(
    uniformity: xr.Dataset,
    phases: xr.Dataset,
    domains: xr.Dataset,
    *,
    options: PathwayOptions = PathwayOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Name the pathway of every particle in every half cycle, and at the end of every rest.

    Parameters
    ----------
    uniformity : uniformity_table
        Uniformity coefficients; `applied_c_rate` is handed on.
    phases : phase_table
        Share of solid solution in every frame, with half_cycle and direction along time.
    domains : domain_video
        Contrast of the domains in every frame, of the same frames.
    options : PathwayOptions
        The limits of the rule.

    Returns
    -------
    pathway_table
        A case is a half cycle, or the last frame of a rest (half cycle -1, C-rate 0). The rule: a *uniform solid
        solution* has a uniformity coefficient above the limit, or no frame near half charge with domains beyond noise;
        of the others, *phase separation* has a share of solid solution below its limit near half charge, and a
        *nonuniform solid solution* has more. Probabilities are those of the two figures on either side of their limits
        with Gaussian errors; a pathway is named when its probability reaches the confidence. The mean share of a half
        cycle has the error of one frame, because unfolding errs alike in all. At rest the coefficient is that of the
        frame, 1 - sqrt(separation). Without a frame near half charge, or without a coefficient, nothing is decided.

    Raises
    ------
    StageError
        If the three stages are of different particles or frames.
    AnalysisError
        If the frames have no direction.
    """
    _checked(uniformity, phases, domains)
    cases = _cases(uniformity, phases, options)
    names = [str(name) for name in phases["particle"].values]
    found = [[_decided(uniformity, phases, domains, row, case, options) for case in cases] for row in range(len(names))]
    return _assembled(names, cases, found, options)


def _checked(uniformity: xr.Dataset, phases: xr.Dataset, domains: xr.Dataset) -> None:
    stages.check(uniformity, "uniformity_table")
    stages.check(phases, "phase_table")
    stages.check(domains, "domain_video")
    for name, table in (("uniformity", uniformity), ("domains", domains)):
        if list(table["particle"].values) != list(phases["particle"].values):
            raise StageError(
                "the stages are of different particles",
                field=f"{name}.particle",
                value=list(map(str, table["particle"].values)),
                limit=", ".join(map(str, phases["particle"].values)),
                remedy="make them from one video and one label image",
            )
    if domains.sizes["time"] != phases.sizes["time"] or not np.allclose(domains["time"].values, phases["time"].values):
        raise StageError(
            "phases and domains are of different frames", field="domains.time", value=domains.sizes["time"],
            limit=f"the {phases.sizes['time']} frames of the phases", remedy="make them from one video",
        )  # fmt: skip
    if "direction" not in phases.coords or "half_cycle" not in phases.coords:
        raise AnalysisError(
            "the frames do not say which half cycle they belong to",
            field="half_cycle and direction",
            remedy="bring the cell's trace and the images together (cell.at_frames), or state them",
        )


class _Case(NamedTuple):
    half_cycle: int
    direction: int
    c_rate: float
    column: int  # of the uniformity table; -1 at rest
    frames: np.ndarray


def _cases(uniformity: xr.Dataset, phases: xr.Dataset, options: PathwayOptions) -> list[_Case]:
    number, direction = (np.asarray(phases[name].values, dtype=int) for name in ("half_cycle", "direction"))
    rates = _rates(uniformity, options)
    cases = [
        _Case(int(one), int(uniformity["direction"].values[column]), rates[column], column,
              np.flatnonzero((number == one) & (direction != 0)))
        for column, one in enumerate(uniformity["half_cycle"].values)
    ]  # fmt: skip
    idle = direction == 0
    ends = np.flatnonzero(idle & ~np.concatenate([idle[1:], [False]]))
    return [*cases, *(_Case(-1, 0, 0.0, -1, np.array([end])) for end in ends)]


def _rates(uniformity: xr.Dataset, options: PathwayOptions) -> np.ndarray:
    """Return the C-rate of every half cycle: that of the cell, else, where edges group it, that of the particles."""
    if "applied_c_rate" in uniformity.coords:
        return np.asarray(uniformity["applied_c_rate"].values, dtype=float)
    rate = np.asarray(uniformity["c_rate"].values, dtype=float)
    known = np.isfinite(rate).any(axis=0)
    result = np.full(rate.shape[1], np.nan)
    if options.edges:
        result[known] = np.nanmedian(rate[:, known], axis=0)
    return result


class _Found(NamedTuple):
    pathway: str
    reason: str
    probability: tuple[float, float, float]  # in the order of PATHWAYS
    numbers: dict[str, float]


def _decided(
    uniformity: xr.Dataset, phases: xr.Dataset, domains: xr.Dataset, row: int, case: _Case, options: PathwayOptions
) -> _Found:
    """Apply the rule to one particle in one case."""
    from scipy.special import ndtr

    lost = (np.nan, np.nan, np.nan)
    mean = np.asarray(domains["mean_lithium_fraction"].values[row, case.frames], dtype=float)
    frames = case.frames[(mean >= options.lower) & (mean <= options.upper)]
    numbers: dict[str, float] = {"frame_count": len(frames)}
    if not len(frames):
        return _Found(OPEN, "no frame near half charge", lost, numbers)
    even, even_std = _uniformity(uniformity, phases, row, case)
    share, share_std = _solid_solution(phases, row, frames)
    contrast, noise = (np.asarray(domains[n].values[row, frames], dtype=float) for n in ("contrast", "contrast_noise"))
    excess = np.maximum(contrast**2 - np.nan_to_num(noise) ** 2, 0.0)
    real = float(np.mean(contrast > np.nan_to_num(noise)))
    numbers |= {
        "uniformity": even,
        "uniformity_std": even_std,
        "solid_solution_fraction": share,
        "solid_solution_fraction_std": share_std,
        "domain_contrast": float(np.sqrt(np.median(excess))),
        "domains_found": real,
    }
    if not np.isfinite([even, even_std, share, share_std]).all():
        return _Found(OPEN, "no uniformity coefficient or no share of solid solution", lost, numbers)
    uniform = float(ndtr((even - options.uniform_above) / max(even_std, 1e-6)))
    if real == 0:
        uniform = max(uniform, 1 - float(domains.attrs["significance"]))
    separated = float(ndtr((options.separated_below - share) / max(share_std, 1e-6)))
    probability = ((1 - uniform) * separated, (1 - uniform) * (1 - separated), uniform)
    best = int(np.argmax(probability))
    if probability[best] < options.confidence:
        return _Found(OPEN, "too near a limit", probability, numbers)
    return _Found(PATHWAYS[best], "", probability, numbers)


def _uniformity(uniformity: xr.Dataset, phases: xr.Dataset, row: int, case: _Case) -> tuple[float, float]:
    if case.column >= 0:
        one = uniformity.isel(particle=row, half_cycle=case.column)
        return float(one["uniformity"]), float(one["uniformity_std"])
    frame = case.frames[-1]
    q, q_std = (float(phases[name].values[row, frame]) for name in ("separation", "separation_std"))
    root = np.sqrt(max(q, 0.0))
    return 1 - root, float(np.sqrt(max(q, 0.0) + q_std) - root)


def _solid_solution(phases: xr.Dataset, row: int, frames: np.ndarray) -> tuple[float, float]:
    name = "solid_solution_fraction"
    value, std = (np.asarray(phases[n].values[row, frames], dtype=float) for n in (name, f"{name}_std"))
    known = np.isfinite(value) & np.isfinite(std)
    if not known.any():
        return float("nan"), float("nan")
    return float(value[known].mean()), float(np.sqrt(np.mean(std[known] ** 2)))


def _assembled(names: list[str], cases: list[_Case], found: list[list[_Found]], options: PathwayOptions) -> xr.Dataset:
    dims = "particle case"
    variables: dict[str, tuple[str, Any]] = {
        name: (dims, np.array([[getattr(one, name) for one in row] for row in found], dtype=str))
        for name in ("pathway", "reason")
    }
    variables["probability"] = (f"{dims} pathway_name", np.array([[one.probability for one in row] for row in found]))
    measured = ("uniformity", "solid_solution_fraction")
    for name in (*measured, *(f"{one}_std" for one in measured), "domain_contrast", "domains_found"):
        variables[name] = (dims, np.array([[one.numbers.get(name, np.nan) for one in row] for row in found]))
    for name in measured:
        variables[f"{name}_flag"] = (dims, np.isnan(variables[name][1]) * stages.flag_bit("unsolvable"))
    variables["frame_count"] = (dims, np.array([[int(one.numbers["frame_count"]) for one in row] for row in found]))
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", np.array(names, dtype=str)),
        "pathway_name": ("pathway_name", np.array(PATHWAYS, dtype=str)),
        "half_cycle": ("case", np.array([case.half_cycle for case in cases], dtype=int)),
        "direction": ("case", np.array([case.direction for case in cases], dtype=int)),
        "applied_c_rate": ("case", np.array([case.c_rate for case in cases], dtype=float)),
    }
    rule = (
        f"uniform: uniformity above {options.uniform_above:g} or no domains beyond noise; else phase separation: "
        f"solid solution below {options.separated_below:g}; else nonuniform; mean x from {options.lower:g} to "
        f"{options.upper:g}, probability {options.confidence:g}"
    )
    return stages.new("pathway_table", variables, coords=coords, attrs={"rule": rule})
