"""The step that brings the clocks of images and potentiostat together, by the way that the recipe chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import cell
from lithiscope.errors import OptionError

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe


def fitted_clock(recipe: Recipe, inputs: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Fit the clocks of images and potentiostat.

    Parameters
    ----------
    recipe : Recipe
        Its section cell.clock.
    inputs : mapping
        ``recording`` and ``cell_trace``; for edges ``particles`` too.

    Returns
    -------
    xarray.Dataset
        Stage clock.

    Raises
    ------
    OptionError
        If the recipe lacks what the chosen way needs.
    AnalysisError
        If the clocks cannot be fitted.
    """
    section = recipe.cell.clock
    options = cell.ClockOptions(**section.model_dump(exclude={"source", "markers"}))
    trace, start = inputs["cell_trace"], inputs["recording"].attrs.get("start_utc")
    if section.source == "stated":
        if section.offset_second is None:
            raise _absent(
                "cell.clock.offset_second", "a number of seconds: test time of the trace when the first scan began"
            )
        return cell.fit_clock(trace, image_start_utc=start, options=options)
    if section.source == "markers":
        if not section.markers:
            raise _absent("cell.clock.markers", "one moment or more that both clocks saw")
        image, std, second = np.array(
            [(one.image_second, one.image_std, one.trace_second) for one in section.markers]
        ).T
        return cell.fit_clock(
            trace,
            image_second=image,
            image_second_std=std,
            trace_second=second,
            image_start_utc=start,
            options=options,
        )
    if section.source == "edges":
        edges = _edges(inputs["particles"])
        return cell.fit_clock(
            trace,
            image_second=edges.second,
            image_second_std=edges.second_std,
            image_slope=np.column_stack([edges.slope_before, edges.slope_after]),
            image_start_utc=start,
            options=options,
        )
    if options.offset_second is None:
        _require_zones(recipe, trace, start)
    return cell.fit_clock(trace, image_start_utc=start, options=options)


def _edges(table: xr.Dataset) -> cell.ImageEdges:
    weight = table["area"].values if table["area"].ndim == 1 else table["area"].values.mean(axis=1)
    kept = ~table["excluded"].values
    mean = np.average(table["lithium_fraction"].values[kept], axis=0, weights=weight[kept])
    return cell.edges_in_images(table["time"].values, mean)


def _require_zones(recipe: Recipe, trace: xr.Dataset, start: str | None) -> None:
    """Refuse clocks of which one has no zone; the time of the day alone would be wrong by hours."""
    if start is None:
        raise _no_zone("the images", "data.timezone", None, recipe.data.timezone)
    if "unix_time_second" not in trace and "start_utc" not in trace.attrs:
        raise _no_zone("the trace", "cell.timezone", trace.attrs.get("source"), recipe.cell.timezone)


def _no_zone(whose: str, field: str, file: str | None, value: str | None) -> OptionError:
    absent = "null" if value is None else f"{value}, but the file states no date"
    return OptionError(
        f"the clock of {whose} has no zone, so images and trace cannot be joined by their times",
        file=file,
        field=field,
        value=absent,
        limit="an IANA zone, e.g. America/Los_Angeles",
        remedy=f"set {field}; where a file states no date, set cell.clock.source to edges, markers or stated",
    )


def _absent(field: str, limit: str) -> OptionError:
    return OptionError(
        "the clocks cannot be brought together as the recipe asks",
        field=field,
        value="none",
        limit=limit,
        remedy=f"set {field}, or choose another cell.clock.source",
    )
