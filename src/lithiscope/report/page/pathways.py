"""The section of a page about the way of particles from full to empty: boundaries, shapes of domains, pathways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report import pathways
from lithiscope.report.page.content import Table
from lithiscope.report.page.kinetic_tables import per_half_cycle
from lithiscope.report.page.results import Drawer, Study
from lithiscope.report.page.tables import long_csv
from lithiscope.report.plots import DIRECTION_NAMES

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.report.page.content import Section

GROUP = "Kinetics"


def pathway_sections(study: Study) -> list[Section]:
    """Return the section on pathways, if there are results for it."""
    drawer = Drawer()
    _draw_pathways(study, drawer)
    _draw_interfaces(study, drawer)
    shapes = study.get("domain_shapes")
    if shapes is not None:
        drawer.draw(
            lambda: pathways.shape_misfits(shapes, options=study.figures),
            "Shapes of the fast domains",
            "Left: root mean square distance of the edge of every domain from the best ellipse and from the best "
            "polygon along the facets. Right: the verdicts, from simulated ellipses and polygons in the same noise.",
            "domain-shapes",
        )
    text = (
        "How particles went from full to empty: evenly, by domains of different composition, or with a boundary "
        "between rich and poor that moves along its normal."
    )
    table = study.get("pathways")
    if table is not None and table.attrs.get("rule"):
        text += f"\n\nThe rule: {table.attrs['rule']}."
    section = drawer.section("pathways", "Pathways", text, group=GROUP, tables=_tables(study))
    return [] if section is None else [section]


def _draw_pathways(study: Study, drawer: Drawer) -> None:
    diagram, active = study.get("pathway_diagram"), study.get("active_particles")
    if diagram is not None:
        drawer.draw(
            lambda: pathways.pathway_shares(diagram, active=active, options=study.figures),
            "Pathways of the particles against rate",
            "In brackets: particles with a verdict, and after the plus sign those without. Bars: the 95 % range of the "
            "uniform share, counted from above.",
            "pathways",
        )


def _draw_interfaces(study: Study, drawer: Drawer) -> None:
    table = study.get("interfaces")
    if table is None:
        return
    drawer.draw(
        lambda: pathways.boundary_motion(table, options=study.figures.model_copy(update={"max_frames": 9})),
        "Width and motion of the boundary between rich and poor",
        "Width: range of x over its greatest slope. Frames without two sides beyond noise have no boundary. Shaded by "
        "the direction of the half cycle.",
        "boundary-motion",
    )
    drawer.draw(
        lambda: pathways.interface_against_rate(table, half_cycles=study.get("half_cycles"), options=study.figures),
        "Boundary against C-rate",
        "Means over the frames of a half cycle, then over the particles, whose number stands in brackets; bars: one "
        "standard error.",
        "boundary-rate",
    )


def _tables(study: Study) -> tuple[Table, ...]:
    found = []
    table, interfaces, shapes = (study.get(name) for name in ("pathways", "interfaces", "domain_shapes"))
    if table is not None:
        found.append(_pathway_rows(table))
    if interfaces is not None:
        names = [("mean_width", "Width / µm"), ("mean_width_std", "σ"), ("mean_slope", "Slope / (1/µm)"),
                 ("mean_slope_std", "σ of the slope"), ("mean_velocity", "Velocity / (µm/h)"),
                 ("mean_velocity_std", "σ of the velocity"), ("frame_count", "Frames")]  # fmt: skip
        taken = interfaces.attrs.get("resolution", "not taken out")
        words = "is not taken out" if taken == "not taken out" else f"({taken} µm) is taken out"
        caption = f"Boundaries, means of the half cycles. The width of the probe {words}."
        found.append(per_half_cycle(interfaces, names, caption, "boundaries"))
    if shapes is not None:
        found.append(_shape_rows(shapes))
    return tuple(found)


def _pathway_rows(table: xr.Dataset) -> Table:
    numbers = ("uniformity", "uniformity_std", "solid_solution_fraction", "solid_solution_fraction_std",
               "domain_contrast")  # fmt: skip
    present = [name for name in numbers if name in table]
    rows = []
    for p, particle in enumerate(table["particle"].values):
        for case, half in enumerate(table["half_cycle"].values):
            one = table.isel(particle=p, case=case)
            best = np.asarray(one["probability"].values, dtype=float)
            row: list[Any] = [str(particle), "rest" if half < 0 else str(int(half))]
            row += [DIRECTION_NAMES[int(table["direction"].values[case])], float(table["applied_c_rate"].values[case])]
            row += [str(one["pathway"].values), float(best.max()) if np.isfinite(best).all() else float("nan")]
            row += [*(float(one[name]) for name in present), str(one["reason"].values)]
            rows.append(tuple(row))
    heads = {
        "uniformity": "U", "uniformity_std": "σ of U", "solid_solution_fraction": "Solid solution",
        "solid_solution_fraction_std": "σ", "domain_contrast": "Contrast of domains",
    }  # fmt: skip
    columns = ("Particle", "Half cycle", "Direction", "C-rate / (1/h)", "Pathway", "Probability",
               *(heads[name] for name in present), "Why not")  # fmt: skip
    csv = long_csv(table.drop_dims("pathway_name"), ("particle", "case"))
    return Table(columns, tuple(rows), "Pathways, with the figures that decided.", csv, "pathways")


def _shape_rows(shapes: xr.Dataset) -> Table:
    names = [("pixel_count", "Pixels"), ("aspect_ratio", "Aspect ratio"), ("aspect_ratio_std", "σ"),
             ("ellipse_misfit", "Misfit of the ellipse / µm"), ("facet_misfit", "of the polygon / µm"),
             ("ellipse_p_value", "p of the ellipse"), ("facet_p_value", "p of the polygon"),
             ("parallel_share", "Edge along facets"), ("parallel_share_random", "at random"),
             ("parallel_p_value", "p")]  # fmt: skip
    present = [(name, head) for name, head in names if name in shapes]
    rows = [
        (str(domain), DIRECTION_NAMES[int(shapes["direction"].values[k])], str(shapes["verdict"].values[k]),
         *(float(shapes[name].values[k]) for name, _ in present), str(shapes["reason"].values[k]))
        for k, domain in enumerate(shapes["domain"].values)
    ]  # fmt: skip
    columns = ("Domain", "Direction", "Verdict", *(head for _, head in present), "Why not")
    caption = "Shapes of the fast domains; p: how often such a shape looks as this one does, or less like itself."
    return Table(columns, tuple(rows), caption, long_csv(shapes, ("domain",)), "domain-shapes")
