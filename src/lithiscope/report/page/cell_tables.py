"""Tables of the cell as a whole: its resistance and equilibrium voltage, and which particles take part."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report.page.content import Table
from lithiscope.report.page.kinetic_tables import directions, table_of
from lithiscope.report.page.tables import long_csv
from lithiscope.report.plots import readable

if TYPE_CHECKING:
    import xarray as xr

_ACTIVITIES = ("active", "inactive", "not decidable")


def cell_number_rows(resistance: xr.Dataset | None, equilibrium: xr.Dataset | None) -> Table | None:
    """Return resistance and equilibrium voltage with their errors, and how they were found; None without both."""
    rows: list[tuple[Any, ...]] = []
    if resistance is not None:
        rows += _resistance(resistance)
    if equilibrium is not None:
        rows += _equilibrium(equilibrium)
    if not rows:
        return None
    columns = ("Quantity", "Value", "σ", "Unit", "How")
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    caption = "What the overpotential V − I R − V_eq is made with. The gap is delithiation less lithiation."
    if resistance is not None and resistance.attrs.get("method") == "steps":
        caption += " Steps of the current cannot tell a static hysteresis from a resistance: it counts as resistance."
    return Table(columns, tuple(rows), caption, file.getvalue(), "cell-numbers")


def _resistance(data: xr.Dataset) -> list[tuple[Any, ...]]:
    value, std = _number(data, "resistance_ohm"), _number(data, "resistance_std")
    factor, unit = readable([value], "Ω")
    steps = data.sizes.get("step", 0)
    how = str(data.attrs.get("method", "")) + (f", {steps} of them" if steps else "")
    rows: list[tuple[Any, ...]] = [("Ohmic resistance", factor * value, factor * std, unit, how)]
    if "time_scale_second" in data.attrs:
        seconds = float(data.attrs["time_scale_second"])
        rows.append(("Time below which a drop counts as ohmic", seconds, float("nan"), "s", how))
    return rows


def _equilibrium(data: xr.Dataset) -> list[tuple[Any, ...]]:
    value, std = _number(data, "plateau_volt"), _number(data, "plateau_std")
    how = str(data.attrs.get("method", ""))
    rates = str(data.attrs.get("c_rate", ""))
    how += f" at {rates} 1/h" if rates else ""
    volt = f"{value:.4f}" if np.isfinite(value) else "–"
    rows: list[tuple[Any, ...]] = [("Equilibrium voltage at half capacity", volt, std, "V", how)]
    if "plateau_gap_volt" in data:
        gap, doubt = 1e3 * _number(data, "plateau_gap_volt"), 1e3 * _number(data, "plateau_gap_std")
        rows.append(("Gap between the directions at half capacity", gap, doubt, "mV", how))
    if "hysteresis_volt" in data:
        hysteresis = 1e3 * np.asarray(data["hysteresis_volt"].values, dtype=float)
        share = np.asarray(data["lithium_share"].values, dtype=float)
        inside = np.isfinite(hysteresis) & (share > 0.1) & (share < 0.9)
        if inside.any():
            for word, pick in (("Least", np.min), ("Largest", np.max)):
                label = f"{word} hysteresis between a tenth and nine tenths"
                rows.append((label, float(pick(hysteresis[inside])), float("nan"), "mV", how))
    return rows


def clock_rows(clock: xr.Dataset) -> list[Table]:
    """Return offset and drift of the clocks with their errors, and the residual of every edge or marker."""
    known = clock.attrs.get("drift", "known")
    drift, doubt = 1e6 * _number(clock, "drift"), 1e6 * _number(clock, "drift_std")
    numbers: list[tuple[Any, ...]] = [
        ("Offset", f"{_number(clock, 'offset_second'):.2f}".replace("-", "−"), _number(clock, "offset_std"), "s"),
        ("at image time", _number(clock, "reference_second"), float("nan"), "s"),
        ("Drift", drift if known == "known" else str(known), doubt, "ppm"),
    ]
    columns = ("Quantity", "Value", "σ", "Unit")
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([columns, *numbers])
    caption = "Test time of the trace less image time. A dash is an error that nobody stated and nothing tells."
    tables = [Table(columns, tuple(numbers), caption, file.getvalue(), "clock")]
    if clock.sizes.get("edge", 0):
        columns_of_edges: dict[str, list[Any]] = {
            "Edge": list(range(1, clock.sizes["edge"] + 1)),
            "Image time / s": [f"{value:.1f}" for value in clock["image_second"].values],
            "σ / s": _plain(clock["image_second_std"].values.tolist()) if "image_second_std" in clock else [],
            "Test time / s": [f"{value:.1f}" for value in clock["trace_second"].values],
            "Residual / s": _plain(clock["residual_second"].values.tolist()),
        }
        caption = "How far each edge or marker lies from the line that joins the clocks."
        shown = {head: values for head, values in columns_of_edges.items() if values}
        tables.append(table_of(shown, caption, long_csv(clock, ("edge",)), "clock-edges"))
    return tables


def _number(data: xr.Dataset, name: str) -> float:
    return float(data[name].values) if name in data else float("nan")


def population_text(population: xr.Dataset) -> str:
    """Return in one sentence how many particles took part, and the names of those that did not."""
    if "status" not in population:
        return ""
    status = [str(one) for one in population["status"].values]
    names = [str(one) for one in population["particle"].values]
    parts = [f"{status.count('active')} of {len(status)} particles are active"]
    parts += [
        f"{word}: {', '.join(found)}"
        for word in ("inactive", "delaminated", "not decidable")
        if (found := [name for name, one in zip(names, status, strict=True) if one == word])
    ]
    return "; ".join(parts) + "."


def population_rows(population: xr.Dataset) -> list[Table]:
    """Return one row per particle (status, where it stopped, how it followed), and one per half cycle (concurrency)."""
    tables = [_status_rows(population)] if "status" in population else []
    return [*tables, *([_concurrency_rows(population)] if "concurrency" in population else [])]


def _status_rows(population: xr.Dataset) -> Table:
    numbers, way = population["half_cycle"].values, population["direction"].values
    columns: dict[str, list[Any]] = {
        "Particle": [str(name) for name in population["particle"].values],
        "Status": [str(one) for one in population["status"].values],
    }
    if "delaminated_from" in population:
        columns["Idle from half cycle"] = [
            str(int(one)) if one >= 0 else "" for one in population["delaminated_from"].values
        ]
    for h, (number, word) in enumerate(zip(numbers, directions(way), strict=True)):
        for name, head in (("activity", ""), ("path_slope", "slope"), ("path_slope_std", "σ")):
            if name in population:
                values = population[name].transpose("particle", "half_cycle").values[:, h]
                columns[f"{int(number)} {word}" + (f", {head}" if head else "")] = _plain(values)
    caption = (
        "Whether each particle took part in each half cycle. Slope: change of its x over that of the electrode, 1 when "
        "it follows; delaminated: active once and idle ever after."
    )
    return table_of(columns, caption, long_csv(population, ("particle", "half_cycle")), "active-particles")


def _concurrency_rows(population: xr.Dataset) -> Table:
    columns: dict[str, list[Any]] = {
        "Half cycle": [int(number) for number in population["half_cycle"].values],
        "Direction": directions(population["direction"].values),
        "Concurrency": _plain(population["concurrency"].values),
    }
    if "concurrency_std" in population:
        columns["σ"] = _plain(population["concurrency_std"].values)
    if "particle_count" in population:
        columns["Particles"] = [int(number) for number in population["particle_count"].values]
    if "activity" in population:
        activity = population["activity"].transpose("particle", "half_cycle").values
        columns |= {word.capitalize(): [int(n) for n in (activity == word).sum(axis=0)] for word in _ACTIVITIES}
    caption = "Concurrency: 1 when all particles fill alike, 0 when one fills after the other."
    return table_of(columns, caption, long_csv(population, ("half_cycle",)), "concurrency")


def _plain(values: Any) -> list[Any]:
    return [str(one) if isinstance(one, str) else float(one) for one in values]
