"""Draws from the posterior of the laws beside their error bars, in words and in lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_HEADS = ("law", "sigma ratio", "mean off by", "R-hat", "draws worth")
_CURVES = {"log_exchange_current_density": "ln j₀(x)", "chemical_potential": "μ(x)"}
_OFF = 1.3  # factor of an error bar that is told, as where it is told from a profile
_AWAY = 1.0  # standard deviations of a mean
_RARE = 0.01  # share of draws with divergences


class Row(NamedTuple):
    """What is shown of one law.

    Attributes
    ----------
    law : str
        A curve, or a number of the laws.
    ratio : float
        Standard deviation of the draws over that of the fit; of a curve the median.
    moved : float
        Mean of the draws less the fit, in standard deviations of the fit; of a curve the largest.
    r_hat, sample_size : float
        Of a number; NaN for curves.
    """

    law: str
    ratio: float
    moved: float
    r_hat: float = np.nan
    sample_size: float = np.nan


def rows(sampled: xr.Dataset) -> list[Row]:
    """Return what is shown of each law: the curves, then the numbers of which they are made."""
    known = np.asarray(sampled["identifiable"].values) if "identifiable" in sampled else np.ones(0, bool)
    known = known if known.any() else np.ones(sampled.sizes["x_grid"], bool)
    return [*_curves(sampled, known), *_numbers(sampled)]


def _curves(sampled: xr.Dataset, known: np.ndarray) -> Iterator[Row]:
    for name, law in _CURVES.items():
        if f"{name}_laplace_std" not in sampled:
            continue
        mean, std, middle, wide = (
            np.asarray(sampled[f"{name}{end}"].values)[known] for end in ("", "_std", "_laplace", "_laplace_std")
        )
        if (wide > 0).all():  # a law that is not learned has no error bar
            yield Row(law, float(np.median(std / wide)), float(np.max(np.abs(mean - middle) / wide)))


def _numbers(sampled: xr.Dataset) -> Iterator[Row]:
    names = ("mean", "std", "laplace", "laplace_std", "r_hat", "sample_size")
    columns = [np.asarray(sampled[f"parameter_{name}"].values) for name in names]
    for law, mean, std, middle, wide, r_hat, worth in zip(sampled["parameter"].values, *columns, strict=True):
        yield Row(str(law), float(std / wide), float(abs(mean - middle) / wide), float(r_hat), float(worth))


def verdict_sentence(sampled: xr.Dataset) -> str:
    """Return whether the draws confirm the error bars of the fit."""
    if not sampled.attrs["converged"] or _diverged(sampled) > _RARE:
        return "The draws confirm nothing yet: the chains are too short or too unlike. Ask for more draws."
    off = [row for row in rows(sampled) if not 1 / _OFF < row.ratio < _OFF]
    away = [row.law for row in rows(sampled) if row.moved > _AWAY]
    if not off and not away:
        return f"The draws confirm the error bars of the laws: all are right to a factor of {_OFF}."
    parts = [f"that of {row.law} should be {row.ratio:.2f} times as long" for row in off]
    parts += [f"the mean of {law} is farther than its error bar from the fit" for law in away]
    return f"The draws do not confirm the error bars of the laws: {'; '.join(parts)}."


def chains_sentence(sampled: xr.Dataset) -> str:
    """Return how far the chains can be trusted."""
    chains, draws = (sampled.sizes[name] for name in ("chain", "draw"))
    return (
        f"{chains} chain(s) of {draws} draws: largest R-hat {_number(sampled.attrs['r_hat'], 3)}, worth "
        f"{_number(sampled.attrs.get('sample_size', np.nan), 0)} independent draws or more, "
        f"{sampled.attrs.get('divergences', 0)} divergences."
    )


def notes(sampled: xr.Dataset, laws: xr.Dataset | None) -> list[str]:
    """Return what else the draws say, less what the fit has said already."""
    before: Any = () if laws is None else laws.attrs.get("warnings", ())
    return [str(one) for one in sampled.attrs.get("warnings", ()) if one not in before]


def sampled_lines(sampled: xr.Dataset, laws: xr.Dataset | None = None) -> list[str]:
    """Return the draws as lines of text: a table, and the verdict at the end."""
    table = [_HEADS, *(_cells(row) for row in rows(sampled))]
    widths = [max(len(line[k]) for line in table) for k in range(len(_HEADS))]
    lines = ["error bars sampled; standard deviations of the draws over those of the fit"]
    for first, *others in table:
        cells = [first.ljust(widths[0]), *(one.rjust(width) for one, width in zip(others, widths[1:], strict=True))]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    lines += [f"  {one}" for one in notes(sampled, laws)]
    return [*lines, chains_sentence(sampled), verdict_sentence(sampled)]


def _diverged(sampled: xr.Dataset) -> float:
    return float(sampled.attrs.get("divergences", 0)) / (sampled.sizes["chain"] * sampled.sizes["draw"])


def _cells(row: Row) -> tuple[str, ...]:
    return row.law, _number(row.ratio, 2), _number(row.moved, 2), _number(row.r_hat, 3), _number(row.sample_size, 0)


def _number(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
