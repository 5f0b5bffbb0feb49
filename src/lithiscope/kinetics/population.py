"""Particles against the electrode: together or one after the other, inactive or delaminated (Lim 2016, fig. S12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.kinetics.crops import half_cycles
from lithiscope.kinetics.kernels.lines import weighted_line
from lithiscope.kinetics.kernels.uniformity import uniformity_of
from lithiscope.kinetics.population_options import PopulationOptions

if TYPE_CHECKING:
    import xarray as xr

_X = "lithium_fraction"
ACTIVE, INACTIVE, DELAMINATED, OPEN = "active", "inactive", "delaminated", "not decidable"


def global_against_particle(
    table: xr.Dataset,
    global_lithium_fraction: xr.DataArray | None = None,
    *,
    options: PopulationOptions = PopulationOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Compare the composition of every particle with that of the electrode.

    Parameters
    ----------
    table : particle_table
        With coordinates half_cycle and direction along time.
    global_lithium_fraction : DataArray, shape (time,), optional
        Composition of the electrode, from the charge passed (`cell_frames`). By default the mean of the particles in
        the table, weighted by area and thickness: then a slope says only how a particle stands to the others, and
        particles that are all inactive go unseen.
    options : PopulationOptions
        When a particle is inactive.

    Returns
    -------
    population
        `path_slope`: change of the particle per change of the electrode, by a straight line through the half cycle; its
        error contains the scatter about the line. A particle is inactive in a half cycle when its change between the
        first and the last frame, per change of the electrode, is below the limit with the stated confidence: one that
        switches at once has a low slope but the full change. One that switches before the first frame, or after the
        last, cannot be told from an inactive one. Its `status` is ``inactive`` when it never was active,
        ``delaminated`` when it was and then stayed inactive to the end. `concurrency` is 1 - sqrt(q) from
        var(x) = q m(1-m) over the particles that are neither, the error of their means taken out: 1 all alike, 0 one
        after the other; its error comes from resampling the particles. `active_share` is the share of the particles
        between the two limits.

    Raises
    ------
    AnalysisError
        If the frames have no half cycle.
    StageError
        If the global composition is along another time.
    """
    stages.check(table, "particle_table")
    of_frame, numbers, directions = half_cycles(table)
    x, std = _columns(table)
    whole = _global(table, x, global_lithium_fraction)
    rng = np.random.default_rng(options.seed)
    paths = [[_path(x[row], std[row], whole, of_frame == n, options) for n in numbers] for row in range(len(x))]
    activity = np.array([[path.activity for path in row] for row in paths], dtype=str)
    verdicts = [_status([path.activity for path in row], numbers) for row in paths]
    taking_part = np.array([status not in (INACTIVE, DELAMINATED) for status, _ in verdicts])
    together = [_concurrency(x, std, of_frame == n, taking_part, options, rng) for n in numbers]
    share, share_std = _active_share(x, options)
    slope, slope_std, inactive = (
        np.array([[getattr(path, name) for path in row] for row in paths])
        for name in ("slope", "slope_std", "inactive")
    )
    variables: dict[str, tuple[str, Any]] = {
        "path_slope": ("particle half_cycle", slope),
        "path_slope_std": ("particle half_cycle", slope_std),
        "path_slope_flag": ("particle half_cycle", np.isnan(slope) * stages.flag_bit("unsolvable")),
        "inactive_probability": ("particle half_cycle", inactive),
        "activity": ("particle half_cycle", activity),
        "status": ("particle", np.array([status for status, _ in verdicts], dtype=str)),
        "delaminated_from": ("particle", np.array([number for _, number in verdicts])),
        "path_curve": ("particle time", x - whole),
        "concurrency": ("half_cycle", np.array([one.value for one in together])),
        "concurrency_std": ("half_cycle", np.array([one.std for one in together])),
        "concurrency_flag": (
            "half_cycle",
            np.array([np.isnan(one.value) for one in together]) * stages.flag_bit("unsolvable"),
        ),
        "particle_count": ("half_cycle", np.array([one.particles for one in together])),
        "active_share": ("time", share),
        "active_share_std": ("time", share_std),
        "active_share_flag": ("time", np.isnan(share) * stages.flag_bit("missing")),
        "global_lithium_fraction": ("time", whole),
    }
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", table["particle"].values),
        "half_cycle": ("half_cycle", numbers),
        "direction": ("half_cycle", directions),
        "time": ("time", table["time"].values),
    }
    source = "mean of the particles" if global_lithium_fraction is None else "stated"
    return stages.new("population", variables, coords=coords, attrs={"global": source})


def _columns(table: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    x = np.asarray(table[_X].values, dtype=float)
    std = np.zeros_like(x)
    if f"{_X}_std" in table:
        std = np.nan_to_num(np.asarray(table[f"{_X}_std"].values, dtype=float))
    return x, std


def _global(table: xr.Dataset, x: np.ndarray, stated: xr.DataArray | None) -> np.ndarray:
    if stated is not None:
        if stated.sizes.get("time") != table.sizes["time"] or stated.ndim != 1:
            raise StageError(
                "the global composition is not along the time of the table",
                field="global_lithium_fraction",
                value=dict(stated.sizes),
                limit=f"time: {table.sizes['time']}",
                remedy="make it with cell.at_frames from the same video",
            )
        return np.asarray(stated.values, dtype=float)
    area = np.asarray(table["area"].values, dtype=float)
    weight = np.broadcast_to(area if area.ndim == 2 else area[:, None], x.shape)
    if "thickness" in table:
        weight = weight * np.nan_to_num(np.asarray(table["thickness"].values, dtype=float), nan=1.0)[:, None]
    known = np.isfinite(x) & np.isfinite(weight)
    total = np.where(known, weight, 0.0).sum(axis=0)
    mean = np.full(x.shape[1], np.nan)
    np.divide(np.where(known, weight * x, 0.0).sum(axis=0), total, out=mean, where=total > 0)
    return mean


class _Path(NamedTuple):
    slope: float
    slope_std: float
    inactive: float
    activity: str


def _path(x: np.ndarray, std: np.ndarray, whole: np.ndarray, inside: np.ndarray, options: PopulationOptions) -> _Path:
    """Straight line of one particle against the electrode in one half cycle, and whether it took part."""
    from scipy.special import ndtr

    used = np.flatnonzero(inside & np.isfinite(x) & np.isfinite(whole))
    if len(used) < 3 or abs(whole[used[-1]] - whole[used[0]]) < options.least_change:
        return _Path(np.nan, np.nan, np.nan, OPEN)
    noise = np.where(std[used] > 0, std[used], np.median(std[used]))
    line = weighted_line(whole[used], x[used], np.where(noise > 0, noise, 1.0))
    # Particles run ahead and lag behind: the line is no law, so its scatter counts where it exceeds the noise.
    error = line.slope_std * np.sqrt(max(1.0 if std.any() else 0.0, line.chi_square / (len(used) - 2)))
    first, last = used[0], used[-1]
    passed = whole[last] - whole[first]
    change, doubt = (x[last] - x[first]) / passed, np.hypot(std[last], std[first]) / abs(passed)
    inactive = float(ndtr((options.least_change_ratio - change) / max(doubt, 1e-12)))
    verdict = OPEN
    if inactive >= options.confidence:
        verdict = INACTIVE
    elif inactive <= 1 - options.confidence:
        verdict = ACTIVE
    return _Path(line.slope, float(error), inactive, verdict)


def _status(activity: list[str], numbers: np.ndarray) -> tuple[str, int]:
    """Return the verdict on a particle over all half cycles, and from which one it was delaminated (-1: not)."""
    decided = [(one, int(number)) for one, number in zip(activity, numbers, strict=True) if one != OPEN]
    if not decided:
        return OPEN, -1
    if ACTIVE not in [one for one, _ in decided]:
        return INACTIVE, -1
    last = max(place for place, (one, _) in enumerate(decided) if one == ACTIVE)
    if last == len(decided) - 1:
        return ACTIVE, -1
    return DELAMINATED, decided[last + 1][1]


class _Together(NamedTuple):
    value: float
    std: float
    particles: int


def _concurrency(
    x: np.ndarray,
    std: np.ndarray,
    inside: np.ndarray,
    taking_part: np.ndarray,
    options: PopulationOptions,
    rng: np.random.Generator,
) -> _Together:
    """1 - sqrt(q) of var(x) = q m(1-m) over the particles; error by resampling the particles."""
    particles = np.flatnonzero(taking_part & np.isfinite(x[:, inside]).any(axis=1))
    count = len(particles)
    if count < 2 or not inside.any():
        return _Together(np.nan, np.nan, count)
    chosen, noise = x[particles][:, inside], std[particles][:, inside] ** 2
    value = _together(chosen, noise)
    drawn = rng.integers(count, size=(options.draws, count))
    again = np.array([_together(chosen[rows], noise[rows]) for rows in drawn])
    again = again[np.isfinite(again)]
    if not np.isfinite(value) or len(again) < options.draws / 2:
        return _Together(np.nan, np.nan, count)
    return _Together(uniformity_of(value, 0.0)[0], float(np.std(1 - np.sqrt(np.maximum(again, 0.0)))), count)


def _together(x: np.ndarray, noise: np.ndarray) -> float:
    known = np.isfinite(x)
    count = known.sum(axis=0)
    enough = count >= 2
    if not enough.any():
        return float("nan")
    x, noise, known, count = x[:, enough], noise[:, enough], known[:, enough], count[enough]
    mean = np.where(known, x, 0.0).sum(axis=0) / count
    # A few particles stand for the electrode: divided by n-1, for a sample. The same for m(1-m), whose estimate from
    # n particles is low by var(m) = var(x)/n.
    spread = np.where(known, (x - mean) ** 2, 0.0).sum(axis=0) / (count - 1)
    spread = spread - np.where(known, noise, 0.0).sum(axis=0) / count
    limit = np.maximum(mean * (1 - mean), 0.0) + np.maximum(spread, 0.0) / count
    norm = float(limit @ limit)
    return float(limit @ spread) / norm if norm > 1e-6 * len(limit) else float("nan")


def _active_share(x: np.ndarray, options: PopulationOptions) -> tuple[np.ndarray, np.ndarray]:
    """Share of the particles between the limits, with its binomial error (a Jeffreys prior keeps it off zero)."""
    known = np.isfinite(x)
    count = known.sum(axis=0)
    between = (known & (x >= options.lower) & (x <= options.upper)).sum(axis=0)
    share = np.divide(between, count, out=np.full(x.shape[1], np.nan), where=count > 0)
    expected = (between + 0.5) / (count + 1)
    return share, np.where(count > 0, np.sqrt(expected * (1 - expected) / (count + 2)), np.nan)
