"""The laws of a parameter set against composition: equilibrium voltage, chemical potential, exchange current, D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report.options import FigureOptions
from lithiscope.report.style import CYCLE, FAINT, INK, MUTED, style, to_bytes

if TYPE_CHECKING:
    from lithiscope.materials import Material

_POINTS = 801
_DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.6)))


def material_figure(
    material: Material,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw V_eq(x), mu(x), j0(x) and D(x) of a set; where it does not hold the ground is grey.

    Parameters
    ----------
    material : Material
        The set.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF.
    """
    x = np.linspace(0, 1, _POINTS)[1:-1]
    with style(options):
        figure = _figure((options.width, 0.72 * options.width))
        (voltage, potential), (exchange, diffusion) = figure.subplots(2, 2, sharex=True)
        _voltage(voltage, x, material)
        _potential(potential, x, material)
        _exchange(exchange, x, material)
        _diffusion(diffusion, x, material)
        for axes, path in zip(
            (voltage, potential, exchange, diffusion),
            ("free_energy", "free_energy", "reaction.exchange_current", "diffusion.along"),
            strict=True,
        ):
            _validity(axes, material, path)
            axes.set(xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1])
        for axes in (exchange, diffusion):
            axes.set_xlabel("lithium fraction x")
        figure.suptitle(
            f"{material.name} at {material.temperature:g} K", x=0.01, ha="left", fontsize=options.font_size + 1.5,
            fontweight="bold", color=INK, parse_math=False,
        )  # fmt: skip
        return to_bytes(figure, options)


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _voltage(axes: Any, x: np.ndarray, material: Material) -> None:
    volts = np.asarray(material.equilibrium_voltage(x))
    axes.plot(x, volts, color=CYCLE[0])
    axes.axhline(material.plateau, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.annotate(
        f"V₀ = {material.plateau:.3f} V", (0.03, material.plateau), xycoords=("axes fraction", "data"), xytext=(0, 2),
        textcoords="offset points", ha="left", va="bottom", fontsize="small", color=MUTED,
    )  # fmt: skip
    low, high = _view(volts, x, material, "free_energy")
    axes.set(ylabel="V of a uniform particle (V)", title="Equilibrium voltage against Li", ylim=(low, high))


def _potential(axes: Any, x: np.ndarray, material: Material) -> None:
    from lithiscope.laws import spinodal

    law = material.chemical_potential()
    mu = np.asarray(law(x))
    axes.plot(x, mu, color=CYCLE[0])
    ends = spinodal(law)
    axes.plot(ends, np.asarray(law(ends)), "o", color=CYCLE[1], markersize=3.5, label="spinodal")
    if ends.size:
        axes.legend(loc="best")
    axes.axhline(0, color=MUTED, linewidth=0.6)
    low, high = _view(mu, x, material, "free_energy")
    axes.set(ylabel="μ (kT)", title="Chemical potential", ylim=(low, high))


def _exchange(axes: Any, x: np.ndarray, material: Material) -> None:
    axes.set(ylabel="j₀ F(x) (A/m²)", title="Exchange current density")
    section = material.data.reaction
    if section is None:
        _nothing(axes)
        return
    names = {"both": "both phases"}
    if section.phase is not None:
        names |= {"lithium_poor": "lithium-poor phase only", "lithium_rich": "lithium-rich phase only"}
    for number, (phase, label) in enumerate(names.items()):
        current = material.exchange_current * np.asarray(material.exchange_law(phase)(x))  # type: ignore[arg-type]
        axes.plot(x, current, color=CYCLE[number], linestyle=_DASHES[number], label=label)
    if len(names) > 1:
        axes.legend(loc="best")
    axes.set_ylim(bottom=0)


def _diffusion(axes: Any, x: np.ndarray, material: Material) -> None:
    axes.set(ylabel="D (m²/s)", title="Diffusivity")
    if material.data.diffusion is None:
        _nothing(axes)
        return
    groups: dict[float, list[str]] = {}
    for axis, level in zip("abc", material.diffusivity_nm2, strict=True):
        groups.setdefault(float(level), []).append(axis)
    for number, names in enumerate(groups.values()):
        values = np.asarray(material.diffusivity(x, names[0]))  # type: ignore[arg-type]
        axes.plot(x, values, color=CYCLE[number], linestyle=_DASHES[number], label=", ".join(names))
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low / 3, high * 3)
    axes.legend(loc="best", title="crystal axis", title_fontsize="small")


def _range(material: Material, path: str) -> tuple[float, float]:
    """Return the range of x in which all numbers under a path hold, within that of the set."""
    ranges = [stated.composition for name, stated in material.numbers().items() if name.startswith(path)]
    ranges = [material.composition, *ranges]
    return max(low for low, _ in ranges), min(high for _, high in ranges)


def _view(values: np.ndarray, x: np.ndarray, material: Material, path: str) -> tuple[float, float]:
    """Return limits that show the range of validity, without the infinite ends."""
    low, high = _range(material, path)
    seen = values[(x >= max(low, 0.01)) & (x <= min(high, 0.99)) & np.isfinite(values)]
    margin = 0.12 * float(np.ptp(seen)) + 1e-6
    return float(seen.min()) - margin, float(seen.max()) + margin


def _validity(axes: Any, material: Material, path: str) -> None:
    low, high = _range(material, path)
    for start, end in ((0.0, low), (high, 1.0)):
        if end > start:
            axes.axvspan(start, end, color=FAINT, alpha=0.6, linewidth=0, zorder=0)
    if low > 0 or high < 1:
        axes.set_title(f"holds for {low:g} ≤ x ≤ {high:g}", loc="right", fontweight="normal", color=MUTED,
                       fontsize="x-small")  # fmt: skip


def _nothing(axes: Any) -> None:
    axes.text(0.5, 0.5, "not in this set", transform=axes.transAxes, ha="center", va="center", color=MUTED)
    axes.set_yticks([])
