"""Tables of cell and kinetics on a study page, each with the whole stage as csv behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report.page.content import Table
from lithiscope.report.page.tables import long_csv
from lithiscope.report.plots import DIRECTION_NAMES, readable

if TYPE_CHECKING:
    import xarray as xr


def half_cycle_rows(half_cycles: xr.Dataset) -> Table:
    """Return one row per half cycle: direction, C-rate, charge, mid voltage, coulombic efficiency."""
    factor, unit = readable(half_cycles["capacity_ah"].values, "Ah")
    current, ampere = readable(half_cycles["current_ampere"].values, "A")
    columns: dict[str, list[Any]] = {
        "Half cycle": [int(n) for n in half_cycles["half_cycle"].values],
        "Direction": directions(half_cycles["direction"].values),
        "From / min": (half_cycles["start_second"].values / 60).tolist(),
        "To / min": (half_cycles["end_second"].values / 60).tolist(),
        f"Charge / {unit}": (factor * half_cycles["capacity_ah"].values).tolist(),
        f"Current / {ampere}": (current * half_cycles["current_ampere"].values).tolist(),
    }
    if "mid_voltage_volt" in half_cycles:
        columns["Mid voltage / V"] = four_digits(half_cycles["mid_voltage_volt"].values)
    for name, head, scale in (
        ("mid_voltage_std", "σ / mV", 1e3),
        ("nominal_c_rate", "Nominal C-rate / (1/h)", 1.0),
        ("measured_c_rate", "Measured C-rate / (1/h)", 1.0),
        ("coulombic_efficiency", "Coulombic efficiency", 1.0),
    ):
        if name in half_cycles:
            columns[head] = (scale * half_cycles[name].values).tolist()
    caption = (
        "Half cycles; times are those of the potentiostat. A trace without a stated capacity has no nominal C-rate."
    )
    return table_of(columns, caption, long_csv(half_cycles, ("half_cycle",)), "half-cycles")


def peak_rows(peaks: xr.Dataset) -> Table:
    """Return one row per peak of dQ/dV: half cycle, direction, position, width and charge with their sigmas."""
    columns: dict[str, list[Any]] = {"Half cycle": [int(n) for n in peaks["half_cycle"].values]}
    if "direction" in peaks.coords:
        columns["Direction"] = directions(peaks["direction"].values)
    columns["Position / V"] = four_digits(peaks["position_volt"].values)
    for name, head, scale in (
        ("position_std", "σ / mV", 1e3),
        ("width_volt", "Width / mV", 1e3),
        ("width_std", "σ of the width / mV", 1e3),
    ):
        if name in peaks:
            columns[head] = (scale * peaks[name].values).tolist()
    if "area_ah" in peaks:
        factor, unit = readable(peaks["area_ah"].values, "Ah")
        columns[f"Charge / {unit}"] = (factor * peaks["area_ah"].values).tolist()
    return table_of(columns, "Peaks of dQ/dV.", long_csv(peaks, ("peak",)), "peaks")


def rate_rows(table: xr.Dataset) -> Table:
    """Return one row per particle and half cycle: C-rate, current density, exchange current density."""
    half, way = np.asarray(table["half_cycle"].values), np.asarray(table["direction"].values)
    numbers = [int(n) for n in np.unique(half[way != 0])]
    known = [
        ("c_rate", "Mean C-rate / (1/h)", 1.0),
        ("current_density", "Mean j / (mA/m²)", 1e3),
        ("exchange_current_density", "Median j₀ / (mA/m²)", 1e3),
    ]
    quantities = [entry for entry in known if entry[0] in table]
    rows = []
    for p, particle in enumerate(table["particle"].values):
        for number in numbers:
            here = (half == number) & (way != 0)
            row: list[Any] = [str(particle), number, DIRECTION_NAMES[int(way[here][0])], int(here.sum())]
            row.append(_mean(table["applied_c_rate"].values[here]) if "applied_c_rate" in table else float("nan"))
            for name, _, scale in quantities:
                values = scale * table[name].values[p, here]
                row.append(_median(values) if name.startswith("exchange") else _mean(values))
            rows.append(tuple(row))
    heads = ("Particle", "Half cycle", "Direction", "Intervals", "C-rate of the cell / (1/h)")
    caption = (
        "Rates of the particles, over the intervals of each half cycle. The file holds every interval with its errors."
    )
    csv = long_csv(table, ("particle", "interval"))
    return Table((*heads, *(head for _, head, _ in quantities)), tuple(rows), caption, csv, "rates")


def law_rows(fit: xr.Dataset) -> Table:
    """Return one row per law: k0 with its random and systematic errors, goodness of fit, peak."""
    freedom = fit.attrs.get("degrees_of_freedom")
    columns: dict[str, list[Any]] = {"Law": [str(name).replace("_", " ") for name in fit["law"].values]}
    for name, head, scale in (
        ("rate_constant", "k₀ / (mA/m²)", 1e3),
        ("rate_constant_std", "σ random / (mA/m²)", 1e3),
    ):
        if name in fit:
            columns[head] = (scale * fit[name].values).tolist()
    if "rate_constant_shift" in fit:
        for cause, values in zip(fit["systematic"].values, fit["rate_constant_shift"].values, strict=True):
            columns[f"{str(cause).replace('_', ' ')} / (mA/m²)"] = (1e3 * values).tolist()
    if "chi_square" in fit and freedom:
        columns["χ² / dof"] = (fit["chi_square"].values / float(freedom)).tolist()
    for name, head in (
        ("log_likelihood", "ln likelihood"),
        ("peak_position", "x of the peak"),
        ("peak_position_std", "σ"),
    ):
        if name in fit:
            columns[head] = [float(v) for v in fit[name].values]
    region = str(fit.attrs.get("region", "all"))
    caption = f"Fitted laws j₀ = k₀ F(x), {region} pixels; systematic columns are signed shifts of k₀. The file holds "
    caption += "the points."
    name = "exchange-current-slow" if region.endswith("slow") else "exchange-current"
    return table_of(columns, caption, long_csv(fit, ("point",)), name)


def uniformity_rows(table: xr.Dataset) -> Table:
    """Return one row per particle and half cycle: U with and without the noise taken out."""
    names = [("uniformity", "U"), ("uniformity_std", "σ"), ("uncorrected", "U as it appears"), ("noise", "Noise of x"),
             ("frame_count", "Frames")]  # fmt: skip
    return per_half_cycle(table, names, "Uniformity: 1 every pixel alike, 0 every pixel full or empty.", "uniformity")


def per_half_cycle(
    table: xr.Dataset, names: list[tuple[str, str]], caption: str, name: str, *, csv_of: xr.Dataset | None = None
) -> Table:
    """Return one row per particle and half cycle of any such stage, with the whole stage (or another) as csv."""
    present = [(variable, head) for variable, head in names if variable in table]
    rows = []
    for p, particle in enumerate(table["particle"].values):
        for h, number in enumerate(table["half_cycle"].values):
            row: list[Any] = [str(particle), int(number)]
            row.append(DIRECTION_NAMES[int(table["direction"].values[h])] if "direction" in table.coords else "")
            for variable, _ in present:
                value = table[variable].transpose("particle", "half_cycle").values[p, h]
                row.append(_plain_value(value))
            rows.append(tuple(row))
    csv = long_csv(table if csv_of is None else csv_of, ("particle", "half_cycle"))
    return Table(
        ("Particle", "Half cycle", "Direction", *(head for _, head in present)), tuple(rows), caption, csv, name
    )


def _plain_value(value: Any) -> Any:
    if isinstance(value, np.integer):
        return int(value)
    return str(value) if isinstance(value, str) else float(value)


def agreement_rows(agreement: xr.Dataset) -> Table:
    """Return one row per pair: overlap of the fast domains against that of domains at random places."""
    columns: dict[str, list[Any]] = {}
    for name, head in (("particle", "Particle"), ("kind", "Compared"), ("first", "First"), ("second", "Second")):
        if name in agreement.coords:
            columns[head] = [_plain_value(v) for v in agreement[name].values]
    for name, head in (
        ("dice", "Overlap (Dice)"), ("dice_std", "σ"), ("dice_null", "At random"),
        ("dice_null_high", "At random, 95 %"), ("p_value", "p"),
    ):  # fmt: skip
        if name in agreement:
            columns[head] = [float(v) for v in agreement[name].values]
    caption = (
        "Whether the same pixels are fast in two half cycles or frames; p: the chance of as much at random places."
    )
    return table_of(columns, caption, long_csv(agreement, ("pair",)), "domain-agreement")


_EVIDENCE = (
    ("meaning", "What it is"), ("value", "Value"), ("value_std", "σ"), ("low", "95 % from"), ("high", "to"),
    ("boundary", "Turns at"), ("probability", "P(surface reaction)"), ("verdict", "Verdict"),
)  # fmt: skip


def evidence_rows(evidence: xr.Dataset) -> Table:
    """Return one row per piece of evidence: its figure with its range, where its verdict turns, and the verdict."""
    known = [(name, head) for name, head in _EVIDENCE if name in evidence]
    dims = tuple(dim for dim in ("particle", "half_cycle", "evidence") if dim in evidence.dims)
    heads = [{"particle": "Particle", "half_cycle": "Half cycle", "evidence": "Evidence"}[dim] for dim in dims]
    rows = []
    for at in np.ndindex(*(evidence.sizes[dim] for dim in dims)):
        row: list[Any] = [_plain_value(evidence[dim].values[k]) for dim, k in zip(dims, at, strict=True)]
        row[-1] = row[-1].replace("_", " ")
        rows.append((*row, *(_plain_value(evidence[name].transpose(*dims).values[at]) for name, _ in known)))
    caption = "Each piece of evidence on its own; nothing is pooled into one confidence."
    csv = long_csv(evidence, dims)
    return Table((*heads, *(head for _, head in known)), tuple(rows), caption, csv, "evidence")


def case_rows(evidence: xr.Dataset) -> Table:
    """Return one row per particle and half cycle: the verdict, the three times, and the exchange current they need."""
    names = [("overall_verdict", "Verdict"), ("tau_bulk", "Diffusion time / s"), ("tau_bulk_low", "95 % from"),
             ("tau_bulk_high", "to"), ("tau_reaction", "Reaction time / s"), ("tau_process", "Filling time / s"),
             ("exchange_current_density", "j₀ / (mA/m²)"), ("exchange_current_density_std", "σ / (mA/m²)"),
             ("exchange_current_source", "j₀ from"), ("overall_confidence", "Who said what")]  # fmt: skip
    caption = "Verdict on each particle in each half cycle. The diffusion time is "
    if evidence.attrs.get("diffusion_time") == "stated":
        caption += "from the stated range of D."
    else:
        caption += "that of the measured profile; a lower end of 0 means that the noise hides the gradient."
    scaled = evidence.drop_dims("evidence")
    for name in ("exchange_current_density", "exchange_current_density_std"):
        if name in scaled:
            scaled = scaled.assign({name: 1e3 * scaled[name]})
    return per_half_cycle(scaled, names, caption, "verdicts", csv_of=evidence.drop_dims("evidence"))


def table_of(columns: dict[str, list[Any]], caption: str, csv: str | None, name: str) -> Table:
    """Return a table from its columns."""
    return Table(tuple(columns), tuple(zip(*columns.values(), strict=True)), caption, csv, name)


def directions(values: Any) -> list[str]:
    """Return directions in words."""
    return [DIRECTION_NAMES.get(int(v), "") for v in values]


def four_digits(values: Any) -> list[Any]:
    """Return voltages as text with four decimals, which three significant digits would round away."""
    return [f"{v:.4f}".replace("-", "−") if np.isfinite(v) else "–" for v in np.asarray(values, dtype=float)]


def _mean(values: Any) -> float:
    finite = np.asarray(values, dtype=float)[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _median(values: Any) -> float:
    finite = np.asarray(values, dtype=float)[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
