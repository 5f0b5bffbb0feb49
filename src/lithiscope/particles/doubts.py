"""What a table of particles says against itself: compositions that cannot be, amounts that follow x, the wrong way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

_X = "lithium_fraction"
# Standard deviations above which a difference is no chance, and differences too small to talk about.
_SURE, _OUTSIDE, _FOLLOWS, _CHANGE = 5.0, 0.05, 0.15, 0.05
_WHOLE = 0.95


def doubts(table: xr.Dataset) -> list[str]:
    """Return what makes a composition doubtful, as sentences with a remedy; none for a table that hangs together.

    Parameters
    ----------
    table : particle_table
        With random, frame-wide and systematic errors where they are known.

    Returns
    -------
    list of str
        Means outside 0 to 1 by more than 0.05 and five standard deviations, all errors in quadrature; an amount of
        material that changes with x by more than 15 % from x = 0 to 1, as a wrong scale of one reference makes it; x
        that goes against the declared direction of a half cycle in most particles.
    """
    check(table, "particle_table")
    x = np.asarray(table[_X].values, dtype=float)
    error = _total_error(table)
    found = [_outside(table, x, error), _amount_follows(table, x), *_against_direction(table, x, error)]
    return [text for text in found if text]


def _total_error(table: xr.Dataset) -> np.ndarray:
    """Return the error of each mean, (particle, time): random, of the frame, and of all causes, in quadrature."""
    square = np.zeros(table[_X].shape)
    if f"{_X}_std" in table:
        square += np.nan_to_num(table[f"{_X}_std"].values) ** 2
    if f"{_X}_frame_std" in table:
        square += np.nan_to_num(table[f"{_X}_frame_std"].values) ** 2
    if f"{_X}_shift" in table:
        square += (np.nan_to_num(table[f"{_X}_shift"].transpose("systematic", "particle", "time").values) ** 2).sum(0)
    return np.sqrt(square)


def _outside(table: xr.Dataset, x: np.ndarray, error: np.ndarray) -> str:
    with np.errstate(invalid="ignore"):
        beyond = np.maximum(x - 1, -x)
        far = beyond > np.maximum(_OUTSIDE, _SURE * error)
    if not far.any():
        return ""
    names = [str(name) for name, rows in zip(table["particle"].values, far, strict=True) if rows.any()]
    worst = float(x[np.unravel_index(int(np.argmax(np.where(far, beyond, -np.inf))), x.shape)])
    return (
        f"x of {_listed(names)} lies outside 0 to 1 by more than its errors, at {worst:.2f}: the references are those "
        "of another state, scale or energy axis (references.energy_offset), or I0 is wrong; look at the spectra and "
        "the fit"
    )


def _amount_follows(table: xr.Dataset, x: np.ndarray) -> str:
    """Compare the amount of the particles, which should stay, with x, which changes."""
    if "amount_std" not in table:
        return ""
    amount, std = (np.asarray(table[name].values, dtype=float) for name in ("amount", "amount_std"))
    pixels = np.asarray(table["valid_pixel_count"].values)
    slopes, weights = [], []
    for row in range(len(x)):
        # Of a particle that lacks pixels the mean is that of the others, thicker or thinner.
        whole = pixels[row] >= _WHOLE * pixels[row].max()
        good = np.isfinite(x[row]) & np.isfinite(amount[row]) & (std[row] > 0) & whole
        if good.sum() < 3 or np.ptp(x[row][good]) < 4 * _CHANGE:
            continue
        # Both axes have errors, but those of x are small beside its range.
        weight = 1 / std[row][good] ** 2
        centre = float(np.average(x[row][good], weights=weight))
        mean = float(np.average(amount[row][good], weights=weight))
        centred = x[row][good] - centre
        slope = float(np.sum(weight * centred * amount[row][good]) / np.sum(weight * centred**2))
        left = amount[row][good] - mean - slope * centred
        scatter = max(1.0, float(np.sum(weight * left**2)) / max(good.sum() - 2, 1))
        empty = max(mean - slope * centre, 0.1 * mean)  # at x = 0
        slopes.append(slope / empty)
        weights.append(empty**2 * np.sum(weight * centred**2) / scatter)
    if not slopes:
        return ""
    slope = float(np.average(slopes, weights=weights))
    spread = 1 / np.sqrt(np.sum(weights))
    if len(slopes) > 1:
        spread = max(spread, float(np.std(slopes, ddof=1)) / np.sqrt(len(slopes)))
    if not (abs(slope) > _FOLLOWS and abs(slope) > _SURE * spread):
        return ""
    return (
        f"the amount of material changes by {100 * slope:+.0f} % from x = 0 to 1, though lithium makes no material: "
        "one of the references has another scale than the other (references.scale), or is not of this material"
    )


def _against_direction(table: xr.Dataset, x: np.ndarray, error: np.ndarray) -> list[str]:
    """Compare what x did in each half cycle with what the recipe says."""
    if "half_cycle" not in table.coords or "direction" not in table.coords:
        return []
    half, direction = table["half_cycle"].values, table["direction"].values
    found = []
    for number in np.unique(half[half >= 0]):
        frames = np.flatnonzero(half == number)
        declared = int(direction[frames[0]])
        change = np.array([_change(one[frames], std[frames]) for one, std in zip(x, error, strict=True)])
        sure = np.isfinite(change)
        wrong = sure & (np.sign(change) == -declared)
        if declared and 2 * wrong.sum() > max(sure.sum(), 1):
            word = "lithiation" if declared > 0 else "delithiation"
            found.append(
                f"x {'falls' if declared > 0 else 'rises'} in half cycle {number}, which the recipe calls {word}, by "
                f"{abs(float(np.median(change[wrong]))):.2f} in {int(wrong.sum())} of {int(sure.sum())} particles: "
                "direction, or lithium_content of the references, is the wrong way round"
            )
    return found


def _change(x: np.ndarray, error: np.ndarray) -> float:
    """Return by how much x changed from the first to the last frame, NaN where that is not sure."""
    good = np.flatnonzero(np.isfinite(x))
    if good.size < 2:
        return float("nan")
    change = float(x[good[-1]] - x[good[0]])
    return change if abs(change) > max(_CHANGE, _SURE * float(np.hypot(*error[good[[0, -1]]]))) else float("nan")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
