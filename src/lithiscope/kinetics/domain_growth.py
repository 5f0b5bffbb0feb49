"""How the fast domains grow while a half cycle goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.kinetics.kernels.lines import Line, weighted_line

if TYPE_CHECKING:
    import xarray as xr

_NAMES = ("fast_fraction", "growth", "relative_growth")


def domain_growth(domains: xr.Dataset) -> xr.Dataset:
    """Follow the size of the fast domains through every half cycle.

    Parameters
    ----------
    domains : domain_video
        As `fast_domains` makes it.

    Returns
    -------
    domain_table
        Mean fast share, its rise per hour and its rise per unit of change of the particle's mean composition, by
        weighted straight lines over the frames with significant domains. Errors are enlarged by the square root of
        chi-square per degree of freedom where the shares scatter about the line by more than their errors. NaN with
        the flag ``missing`` where no frame has significant domains; a slope needs three frames (else ``unsolvable``).
    """
    stages.check(domains, "domain_video")
    share = domains["fast_fraction"].values
    doubt = domains["fast_fraction_std"].values
    mean = domains["mean_lithium_fraction"].values
    hours = np.asarray(domains["time"].values, dtype=float) / 3600
    of_frame = domains["time_half_cycle"].values
    numbers, directions = domains["half_cycle"].values, domains["direction"].values
    shape = (domains.sizes["particle"], len(numbers))
    columns = {f"{name}{kind}": np.full(shape, np.nan) for name in _NAMES for kind in ("", "_std")}
    flags = {name: np.full(shape, stages.flag_bit("missing")) for name in _NAMES}
    count = np.zeros(shape, dtype=int)
    for row in range(shape[0]):
        for column, (number, sign) in enumerate(zip(numbers, directions, strict=True)):
            used = np.flatnonzero((of_frame == number) & np.isfinite(share[row]))
            count[row, column] = len(used)
            if not len(used):
                continue
            std = _errors(doubt[row, used])
            in_time = weighted_line(hours[used], share[row, used], std)
            in_charge = weighted_line(sign * mean[row, used], share[row, used], std)
            place = (row, column)
            enlarged = _enlargement(in_time, len(used))
            _set(columns, flags, "fast_fraction", place, (in_time.mean, in_time.mean_std * enlarged))
            for name, line in (("growth", in_time), ("relative_growth", in_charge)):
                if len(used) >= 3 and np.isfinite(line.slope):
                    _set(columns, flags, name, place, (line.slope, line.slope_std * _enlargement(line, len(used))))
                else:
                    flags[name][place] = stages.flag_bit("unsolvable")
    variables: dict[str, tuple[str, Any]] = {
        name: ("particle half_cycle", values)
        for name, values in {**columns, **{f"{name}_flag": flag for name, flag in flags.items()}}.items()
    }
    variables["frame_count"] = ("particle half_cycle", count)
    coords = {
        "particle": ("particle", domains["particle"].values),
        "half_cycle": ("half_cycle", numbers),
        "direction": ("half_cycle", directions),
    }
    return stages.new("domain_table", variables, coords=coords)


def _errors(std: np.ndarray) -> np.ndarray:
    """Errors to weigh by; frames that have none weigh alike, and none counts as exact."""
    known = std[np.isfinite(std) & (std > 0)]
    return np.where(np.isfinite(std) & (std > 0), std, np.median(known) if len(known) else 1.0)


def _enlargement(line: Line, points: int) -> float:
    freedom = points - 2
    return float(np.sqrt(max(1.0, line.chi_square / freedom))) if freedom > 0 and np.isfinite(line.chi_square) else 1.0


def _set(
    columns: dict[str, np.ndarray],
    flags: dict[str, np.ndarray],
    name: str,
    place: tuple[int, int],
    found: tuple[float, float],
) -> None:
    columns[name][place], columns[f"{name}_std"][place] = found
    flags[name][place] = 0
