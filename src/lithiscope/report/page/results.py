"""The results of cell and kinetics that a page can show: their names, and what each must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lithiscope.errors import AnalysisError
from lithiscope.report.options import FigureOptions, PageOptions
from lithiscope.report.page.content import Drawing, Figure, Section, Table
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

RESULTS: dict[str, str] = {
    "cell_trace": "cell_trace",
    "half_cycles": "half_cycles",
    "incremental_capacity": "incremental_capacity",
    "peaks": "peak_table",
    "resistance": "resistance",
    "equilibrium_voltage": "equilibrium_voltage",
    "rate_overpotential": "rate_overpotential",
    "clock": "clock",
    "cell_frames": "cell_frames",
    "cell_intervals": "cell_intervals",
    "rates": "rate_video",
    "rate_table": "rate_table",
    "rate_asymmetry": "rate_asymmetry",
    "law_fit": "law_fit",
    "law_fit_slow": "law_fit",
    "domains": "domain_video",
    "domain_table": "domain_table",
    "domain_agreement": "domain_agreement",
    "uniformity": "uniformity_table",
    "pooled_uniformity": "pooled",
    "channels": "channel_table",
    "channel_cuts": "line_cuts",
    "surfaces": "surface_table",
    "line_cuts": "line_cuts",
    "population": "population",
    "phases": "phase_table",
    "boundaries": "boundary_table",
    "relaxation": "relaxation_table",
    "interfaces": "interface_table",
    "domain_shapes": "domain_shape",
    "pathways": "pathway_table",
    "pathway_diagram": "pathway_diagram",
    "active_particles": "pooled",
    "evidence": "evidence_table",
    "stability_path": "stability_path",
    "tracks": "particle_tracks",
    "dose": "dose_table",
    "differential_voltage": "differential_voltage",
    "without_blank": "incremental_capacity",
    "surface_shift": "surface_shift",
    "electrolyte": "electrolyte_channel",
    "learned_laws": "learned_laws",
    "model_comparison": "model_comparison",
    "sampled_laws": "sampled_laws",
}
"""Name of a result in the mapping that a page is given, and the stage that it must be."""

PARTS: dict[str, str] = {"learned_particle-": "learned_particle"}
"""How the names of results begin of which there are several, and the stage that each must be."""


def known_results(results: Mapping[str, Any]) -> dict[str, xr.Dataset]:
    """Return the results that a page can show; others, and those that are None, are left out.

    Raises
    ------
    StageError
        If a result of a known name is another stage.
    """
    parts = {name: stage for start, stage in PARTS.items() for name in results if name.startswith(start)}
    wanted = RESULTS | parts
    return {name: check(results[name], stage) for name, stage in wanted.items() if results.get(name) is not None}


@dataclass(frozen=True)
class Study:
    """What the sections of cell and kinetics are made from: results by name, and the maps they belong to."""

    results: Mapping[str, xr.Dataset]
    options: PageOptions
    figures: FigureOptions
    video: xr.Dataset | None = None
    table: xr.Dataset | None = None
    labels: xr.DataArray | None = None

    def get(self, name: str) -> xr.Dataset | None:
        """Return a result, or None."""
        return self.results.get(name)

    def parts(self, start: str) -> list[xr.Dataset]:
        """Return the results whose names begin like this."""
        return [data for name, data in self.results.items() if name.startswith(start)]


@dataclass
class Drawer:
    """Collects the drawings of a section."""

    drawings: list[Drawing] = field(default_factory=list)

    def draw(self, picture: Callable[[], bytes], alt: str, caption: str, name: str) -> None:
        """Add the figure that `picture` returns when it is asked for."""
        self.drawings.append(Drawing(picture, alt, caption, name))

    def section(
        self, identity: str, heading: str, text: str, *, group: str, tables: tuple[Table, ...] = (), **more: Any
    ) -> Section | None:
        """Return the section; None where there is nothing to show."""
        if not (self.drawings or tables or more):
            return None
        return Section(identity, heading, text, drawings=tuple(self.drawings), tables=tables, group=group, **more)


def drawn(section: Section) -> Section:
    """Return the section with its drawings drawn as SVG; what cannot be drawn is told in plain words instead."""
    figures, reasons = [], []
    for one in section.drawings:
        try:
            figures.append(Figure(one.draw(), "image/svg+xml", one.alt, one.caption, one.name))
        except AnalysisError as error:
            reasons.append(f"{one.alt}: not drawn, {why_not(error)}.")
    told = "\n\n".join([section.explanation, *reasons])
    return replace(section, explanation=told, figures=(*figures, *section.figures), drawings=())


def why_not(error: AnalysisError) -> str:
    """Return in few words why a figure cannot be drawn."""
    return error.problem + (f" ({error.field})" if error.field else "")
