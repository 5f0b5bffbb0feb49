"""What was learned, in words: how well the model fits, where the laws are known, and what trades off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.laws import ROOM_TEMPERATURE, thermal_voltage
from lithiscope.report.plots import readable, with_error

if TYPE_CHECKING:
    import xarray as xr

_STRONG = 0.5  # correlation that a reader should know of
_MOST = 5
_MIDDLE = 0.5
_GROUPS = {"j0": "j₀(x)", "mu": "mu(x)"}


class TradeOff(NamedTuple):
    """Two numbers of the laws that the data do not tell apart well."""

    one: str
    other: str
    correlation: float


def strongest(laws: xr.Dataset, *, most: int = _MOST) -> list[TradeOff]:
    """Return the pairs of numbers with the strongest correlations, strongest first; at least one half, `most` pairs."""
    if "correlation" not in laws or laws.sizes.get("parameter", 0) < 2:
        return []
    values, names = np.asarray(laws["correlation"].values), [str(name) for name in laws["parameter"].values]
    rows, columns = np.triu_indices(len(names), 1)
    order = np.argsort(-np.abs(values[rows, columns]))[:most]
    found = [TradeOff(names[rows[k]], names[columns[k]], float(values[rows[k], columns[k]])) for k in order]
    return [one for one in found if abs(one.correlation) >= _STRONG]


def trade_off_sentences(laws: xr.Dataset) -> list[str]:
    """Return the strongest correlations as sentences; laws that trade off are named with the voltage below which."""
    found = []
    pairs = strongest(laws, most=10**6)
    mixed = [one for one in pairs if _group(one.one) != _group(one.other)]
    for kinds in dict.fromkeys(frozenset((_group(one.one), _group(one.other))) for one in mixed):
        top = next(one for one in mixed if frozenset((_group(one.one), _group(one.other))) == kinds)
        first, second = (_GROUPS.get(_group(name), _group(name)) for name in (top.one, top.other))
        below = f" below {_potential_error(laws):.1f} mV" if "mu" in kinds and _potential_error(laws) > 0 else ""
        found.append(
            f"{first} and {second} trade off{below}: the correlation of {top.one} and {top.other} is "
            f"{top.correlation:+.2f}".replace("-", "−")
        )
    within = [one for one in pairs if _group(one.one) == _group(one.other)][:3]
    found += [
        f"{one.one} and {one.other} trade off (correlation {one.correlation:+.2f}): their curve is known better than "
        "each of them".replace("-", "−")
        for one in within
    ]
    return found[:_MOST]


def _group(name: str) -> str:
    return name.split(" ")[0] if name.split(" ")[0] in _GROUPS else name


def _potential_error(laws: xr.Dataset) -> float:
    """Return the largest standard deviation of mu in mV where the data say something."""
    if "chemical_potential_std" not in laws:
        return 0.0
    std = laws["chemical_potential_std"].values[known_range(laws)]
    return 1e3 * thermal_voltage(ROOM_TEMPERATURE) * float(std.max()) if std.size else 0.0


def known_range(laws: xr.Dataset) -> np.ndarray:
    """Return where on x_grid the data say something, bool."""
    everywhere = np.ones(laws.sizes["x_grid"], bool)
    return np.asarray(laws["identifiable"].values, bool) if "identifiable" in laws else everywhere


def range_text(laws: xr.Dataset) -> str:
    """Return the stretches of x in which the data say something."""
    known, x = known_range(laws), laws["x_grid"].values
    if not known.any():
        return "nowhere"
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    return ", ".join(f"{x[a]:.2f} to {x[b - 1]:.2f}" for a, b in edges.reshape(-1, 2))


def fit_text(laws: xr.Dataset) -> str:
    """Return in one sentence how the fit went."""
    ratio = laws.attrs.get("chi_square_per_freedom")
    steps, done = laws.attrs.get("iterations"), bool(laws.attrs.get("converged", 1))
    text = f"reaction law {str(laws.attrs['law']).replace('_', ' ')}"
    text += "" if ratio is None else f"; chi-square per degree of freedom {float(ratio):.3f}"
    text += (
        ""
        if steps is None
        else f"; {'converged' if done else 'NOT converged'} in {int(steps)} step{'' if steps == 1 else 's'}"
    )
    return text


def law_sentences(laws: xr.Dataset) -> list[str]:
    """Return the main figures of the laws: where they are known, and j0 where it is known best near half filling."""
    known, x = known_range(laws), laws["x_grid"].values
    found = [f"the data say something about x from {range_text(laws)}"]
    if known.any():
        at = int(np.flatnonzero(known)[np.argmin(np.abs(x[known] - _MIDDLE))])
        value = float(laws["exchange_current_density"].values[at])
        std = laws.get("exchange_current_density_std")
        factor, unit = readable([value], "A/m²")
        error = float("nan") if std is None else float(std.values[at])
        found.append(f"j₀({x[at]:.2f}) = {with_error(factor * value, factor * error)} {unit} where k = 1")
    return found


def rate_sentence(particle: xr.Dataset) -> str:
    """Return how much the rates vary inside a particle, and how well they are known."""
    field, std = (np.asarray(particle[name].values, float) for name in ("log_rate", "log_rate_std"))
    inside = np.isfinite(field)
    if not inside.any():
        return "no rates"
    low, high = np.exp(np.percentile(field[inside], [5, 95]))
    typical = float(np.median(std[inside]))
    return (
        f"k from {low:.2f} to {high:.2f} of the mean (5 to 95 % of the pixels), known to "
        f"{100 * typical:.0f} % in a typical pixel"
    )


def domain_sentences(particles: Sequence[xr.Dataset]) -> list[str]:
    """Return what is sharp in the rates of the particles, one sentence for each that has domains."""
    told = [(particle_name(one), list(one.attrs.get("domains", ()))) for one in particles]
    return [f"{name}: {', '.join(domains)}" for name, domains in told if domains]


def particle_name(particle: xr.Dataset) -> str:
    """Return the name of a learned particle."""
    return str(particle.attrs.get("name", f"particle {particle.attrs['particle']}"))


def warnings_of(laws: xr.Dataset) -> list[str]:
    """Return what a reader must know before believing the result."""
    found = laws.attrs.get("warnings", ())
    return [found] if isinstance(found, str) else [str(one) for one in found]
