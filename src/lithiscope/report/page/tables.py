"""The tables of a study page, and the file behind the download of the particles."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report.page.content import Table
from lithiscope.stages import FLAGS

if TYPE_CHECKING:
    import xarray as xr

_X = "lithium_fraction"


def particle_rows(table: xr.Dataset) -> Table:
    """Return one row per particle: size, place at the edge, first, last, lowest and highest mean x, and its sigmas."""
    columns: dict[str, list[Any]] = {"Particle": [str(name) for name in table["particle"].values]}
    columns["Area / µm²"] = _per_particle(table, "area")
    columns["Pixels"] = [int(value) for value in _per_particle(table, "pixel_count")]
    if "thickness" in table:
        columns["Thickness / nm"] = _per_particle(table, "thickness")
    mean = np.asarray(table[_X].values, dtype=float)
    columns["Lowest mean x"] = _reduced(np.min, mean.round(3) + 0.0)
    columns["Highest mean x"] = _reduced(np.max, mean.round(3) + 0.0)
    if f"{_X}_std" in table:
        columns["σ random"] = _reduced(np.median, np.asarray(table[f"{_X}_std"].values, dtype=float))
    if f"{_X}_frame_std" in table:
        common = float(np.nanmedian(table[f"{_X}_frame_std"].values))
        columns["σ frame"] = [common] * mean.shape[0]
    if f"{_X}_shift" in table:
        total = np.sqrt((np.asarray(table[f"{_X}_shift"].values, dtype=float) ** 2).sum(axis=0))
        columns["σ systematic"] = _reduced(np.median, total)
    columns["Frames"] = [int(count) for count in np.isfinite(mean).sum(axis=1)]
    columns["Remarks"] = _remarks(table)
    return Table(
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)),
        caption="Particles. Sigmas are medians over the frames; σ frame moves all particles of a frame together.",
        csv=particle_csv(table),
        name="particles",
    )


def _per_particle(table: xr.Dataset, name: str) -> list[float]:
    values = np.asarray(table[name].values, dtype=float)
    return [float(v) for v in (values if values.ndim == 1 else np.nanmax(values, axis=1))]


def _reduced(reduce: Any, values: Any) -> list[float]:
    return [float(reduce(row[np.isfinite(row)])) if np.isfinite(row).any() else float("nan") for row in values]


def _remarks(table: xr.Dataset) -> list[str]:
    edge = table["touches_edge"].values if "touches_edge" in table else np.zeros(table.sizes["particle"], bool)
    reasons = table["reason"].values if "reason" in table else [""] * table.sizes["particle"]
    excluded = table["excluded"].values if "excluded" in table else np.zeros(table.sizes["particle"], bool)
    return [
        "; ".join(part for part in ("reaches the edge" if at_edge else "", _exclusion(bool(out), str(why))) if part)
        for at_edge, out, why in zip(edge, excluded, reasons, strict=True)
    ]


def _exclusion(excluded: bool, reason: str) -> str:
    return f"excluded: {reason}" if excluded and reason else "excluded" if excluded else ""


def particle_csv(table: xr.Dataset) -> str:
    """Return the whole particle table as csv: one line per particle and frame, every scope of uncertainty apart."""
    return long_csv(table, ("particle", "time"))


def long_csv(data: xr.Dataset, dims: tuple[str, ...]) -> str:
    """Return a stage as csv: one line for each combination of `dims`, with all that depends on nothing else.

    Parameters
    ----------
    data : Dataset
        Any stage.
    dims : tuple of str
        The first varies slowest.

    Returns
    -------
    str
        Columns are the dimensions, the other coordinates, the variables (those of all dimensions first) with their
        units, and one column per named cause for every systematic shift. Text that a spreadsheet would take for a
        formula is quoted.
    """
    shape = tuple(data.sizes[dim] for dim in dims)
    columns: dict[str, Any] = {}
    for dim in dims:
        values = data[dim].values if dim in data.coords else np.arange(data.sizes[dim])
        columns[_head(data, dim) if dim in data.coords else dim] = _spread(values, (dim,), dims, shape)
    others = sorted(str(name) for name in data.coords if name not in dims and name != "systematic")
    names = sorted(map(str, data.data_vars), key=lambda name: -len(set(data[name].dims) & set(dims)))
    for name in (name for name in [*others, *names] if set(data[name].dims) <= set(dims)):
        columns[_head(data, name)] = _spread(data[name].values, data[name].dims, dims, shape)
    for name in (name for name in names if "systematic" in data[name].dims):
        rest = tuple(dim for dim in data[name].dims if dim != "systematic")
        if set(rest) <= set(dims):
            moved = data[name].transpose("systematic", ...).values
            for cause, values in zip(data["systematic"].values, moved, strict=True):
                columns[_plain(f"{name} ({cause})")] = _spread(values, rest, dims, shape)
    handle = io.StringIO()
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_plain(_text(value)) for value in row])
    return handle.getvalue()


def _spread(values: Any, of: tuple[Any, ...], dims: tuple[str, ...], shape: tuple[int, ...]) -> list[Any]:
    """Return values over the dimensions `of`, repeated over all of `dims`, in one list."""
    order = sorted(range(len(of)), key=lambda k: dims.index(str(of[k])))
    array = np.transpose(np.asarray(values), order)
    full = [shape[k] if dim in of else 1 for k, dim in enumerate(dims)]
    return list(np.broadcast_to(array.reshape(full), shape).ravel())


def _head(table: xr.Dataset, name: str) -> str:
    unit = table[name].attrs.get("units", "1")
    return name if unit == "1" else f"{name} / {unit}"


def _text(value: Any) -> str:
    return f"{value:.7g}" if isinstance(value, float | np.floating) else str(value)


def _plain(text: str) -> str:
    """Keep a spreadsheet from taking text for a formula."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    return text


def flag_table(frames: Iterable[Any]) -> Table:
    """Return how many pixels of frames, each taken once, carry each flag, and what it means for them."""
    counts, size = dict.fromkeys(FLAGS, 0), 0
    for bits in frames:
        size += np.size(bits)
        for name, flag in FLAGS.items():
            counts[name] += int(np.count_nonzero(bits & flag.bit))
    rows = []
    for name, count in counts.items():
        if count:
            effect = "removed" if FLAGS[name].fatal else "kept"
            rows.append((name.replace("_", " "), effect, count, 100.0 * count / size, FLAGS[name].meaning))
    return Table(("Flag", "Value", "Pixels", "Share / %", "Meaning"), tuple(rows), caption="Flags over all frames.")


def systematic_table(table: xr.Dataset) -> Table:
    """Return what each named cause, moved by one standard deviation, does to the particles' mean x."""
    shift = np.asarray(table[f"{_X}_shift"].values, dtype=float)
    rows = []
    for cause, values in zip(table["systematic"].values, shift, strict=True):
        finite = values[np.isfinite(values)]
        if finite.size:
            largest = float(finite[np.abs(finite).argmax()])
            rows.append((str(cause), float(finite.mean()), largest))
    total = np.sqrt((shift**2).sum(axis=0))
    if np.isfinite(total).any():
        rows.append(("all causes in quadrature", float(np.nanmean(total)), float(np.nanmax(total))))
    return Table(
        ("Cause, moved by one σ", "Mean shift of x", "Largest shift of x"),
        tuple(rows),
        caption="Systematic shifts of the particles' mean x; signed and common to all particles and frames.",
    )


def registration_table(alignment: xr.Dataset) -> Table:
    """Return span, uncertainty and leakage of the shifts per axis, in nm."""
    rows = []
    for name in map(str, alignment["axis"].values):
        one = alignment.sel(axis=name)
        shift = 1e3 * np.asarray(one["shift"].values, dtype=float)
        row = [name, _finite(np.ptp, shift), _finite(np.median, 1e3 * one["shift_std"].values)]
        if "drift_leakage" in alignment:
            leakage = 1e3 * np.asarray(one["drift_leakage"].values, dtype=float)
            row.append(_finite(lambda v: np.sqrt(np.mean(v**2)), leakage))
        rows.append(tuple(row))
    heads = ("Axis", "Range of shifts / nm", "Median σ / nm", "Left after alignment, rms / nm")
    return Table(heads[: len(rows[0])], tuple(rows), caption="Registration.")


def _finite(reduce: Any, values: Any) -> float:
    finite = np.asarray(values)[np.isfinite(values)]
    return float(reduce(finite)) if finite.size else float("nan")
