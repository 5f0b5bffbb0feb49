"""The files that a study hands to people: page, tables, maps for Fiji, outlines."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.particles import export_outlines, table_rows
from lithiscope.report.page import page, stxm_page_content
from lithiscope.report.page.particle_tables import tracks_csv
from lithiscope.report.page.tables import long_csv
from lithiscope.studies.summary import figures
from lithiscope.studies.unfinished import PAGE

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.report.page import Section
    from lithiscope.studies.runner import Study

TABLE = "particles.csv"
_STACKED = ("lithium_fraction", "lithium_fraction_std", "amount")
# Tables of cell and kinetics: the step of each, and the axes of its lines (those that the result has).
_TABLES = {
    "half_cycles": ("half_cycles", ("half_cycle",)),
    "cell_frames": ("cell_frames", ("time",)),
    "rate_table": ("rate_table", ("particle", "interval")),
    "uniformity": ("uniformity", ("particle", "half_cycle")),
    "law_fit": ("law_fit", ("law",)),
    "law_fit_points": ("law_fit", ("point",)),
    "channels": ("channels", ("channel", "interval")),
    "surfaces": ("surfaces", ("particle", "half_cycle")),
    "evidence": ("evidence", ("particle", "half_cycle", "evidence")),
    "learned_laws": ("learned_laws", ("x_grid",)),
    "model_comparison": ("model_comparison", ("model",)),
    "sampled_laws": ("sampled_laws", ("parameter",)),
}


def write_results(study: Study, folder: Path, *, extra_sections: Sequence[Section] = ()) -> list[str]:
    """Write page, tables, maps and outlines of a study.

    Parameters
    ----------
    study : Study
        What `run_study` returned.
    folder : Path
        Where the files go; older ones of the same name are replaced whole.
    extra_sections : sequence of Section
        More sections for the page.

    Returns
    -------
    list of str
        The main figures, and where everything lies, for people.

    Raises
    ------
    FileFormatError
        If another run is writing to the store.
    """
    with study.results.reading():
        return _written(study, folder, extra_sections)


def _written(study: Study, folder: Path, extra_sections: Sequence[Section]) -> list[str]:
    results = study.results
    labels = results["labels"]
    files = {PAGE: page(_content(study, extra_sections)).encode("utf-8")}
    files |= {f"{name}.csv": text.encode("utf-8") for name, text in tables(study).items()}
    for name, content in files.items():
        _write(folder / name, content)
    write_fiji_stack(results["composition"], _STACKED, folder / "lithium_fraction.tif")
    for name in set(_TABLES) - set(_tables(results)):
        # One of an earlier run would contradict the page.
        (folder / f"{name}.csv").unlink(missing_ok=True)
    _write_outlines(labels, folder)
    return _told(study, folder)


def _write_outlines(labels: xr.Dataset, folder: Path) -> None:
    """Write the outlines of the particles, one file per mask, and remove those of other masks of an earlier run."""
    names = dict(zip(labels["number"].values.tolist(), labels["particle"].values.tolist(), strict=True))
    label = labels["label"]
    masks = {"outlines.zip": label}
    if "cycle" in label.dims:
        masks = {f"outlines-cycle-{int(one['cycle'])}.zip": one.drop_vars("cycle") for one in label}
    masks = {name: mask for name, mask in masks.items() if names and np.any(mask.values > 0)}
    for file in (folder / "outlines.zip", *folder.glob("outlines-cycle-*.zip")):
        if file.name not in masks:
            file.unlink(missing_ok=True)
    for name, mask in masks.items():
        export_outlines(mask, folder / name, ids=names)


def _content(study: Study, extra_sections: Sequence[Section]) -> Any:
    return stxm_page_content(
        title=study.recipe.title,
        subtitle=study.recipe.data.origin,
        warnings=study.warnings,
        provenance=study.provenance,
        extra_sections=extra_sections,
        **page_stages(study),
    )


def page_stages(study: Study) -> dict[str, Any]:
    """Return the stages and options from which page and figures of a study are drawn, by the names of the arguments."""
    results, recipe = study.results, study.recipe
    incident = results["incident_methods"]
    return {
        "recording": results["recording"],
        "od": results["optical_density"],
        "alignment": results["alignment"] if recipe.align.energies or recipe.align.scans else None,
        "references": results["references"],
        "video": results["composition"],
        "table": results["particles"],
        "labels": results["labels"]["label"],
        "incident": incident if incident.sizes["incident_method"] > 1 else None,
        "results": results,
        "options": recipe.report,
    }


def write_fiji_stack(data: xr.Dataset, names: Sequence[str], path: Path) -> None:
    """Write pictures as an ImageJ hyperstack, picture by picture: time along frames, the quantities along channels.

    Parameters
    ----------
    data : Dataset
        Any stage with pictures (time, y, x).
    names : sequence of str
        Variables; those without time are repeated.
    path : Path
        A float32 TIFF with pixel size in micrometres and the frame interval in seconds; replaced whole.
    """
    import tifffile

    present = [name for name in names if name in data]
    times, y, x = (data.sizes[dim] for dim in ("time", "y", "x"))
    pictures = (
        np.broadcast_to(data[name].isel(time=frame).values if "time" in data[name].dims else data[name].values, (y, x))
        for frame in range(times)
        for name in present
    )
    step_y, step_x = (
        float(np.abs(np.diff(data[axis].values)).mean()) if data.sizes[axis] > 1 else 1.0 for axis in "yx"
    )
    seconds = data["time"].values
    draft = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        draft,
        (picture.astype(np.float32) for picture in pictures),
        shape=(times, len(present), y, x),
        dtype=np.float32,
        imagej=True,
        resolution=(1 / step_x, 1 / step_y),
        metadata={
            "axes": "TCYX",
            "unit": "micron",
            "finterval": float(np.diff(seconds).mean()) if seconds.size > 1 else 0.0,
            "Labels": [f"{name} {time / 60:.1f} min" for time in seconds for name in present],
        },
    )
    draft.replace(path)


def tables(study: Study) -> dict[str, str]:
    """Return every table of a study as csv, by name."""
    results = study.results
    return {
        "particles": _csv(table_rows(results["particles"])),
        "figures": _csv([figures(study)]),
        **({"tracks": tracks_csv(results["tracks"])} if "tracks" in results else {}),
        **{name: _table(results, name) for name in _tables(results)},
    }


def _tables(results: Mapping[str, xr.Dataset]) -> list[str]:
    return [name for name, (step, _) in _TABLES.items() if step in results]


def _table(results: Mapping[str, xr.Dataset], name: str) -> str:
    step, dims = _TABLES[name]
    return long_csv(results[step], tuple(dim for dim in dims if dim in results[step].dims))


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    handle = io.StringIO()
    if rows:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return handle.getvalue()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    draft.write_bytes(content)
    draft.replace(path)


def _told(study: Study, folder: Path) -> list[str]:
    table = study.results["particles"]
    found = figures(study)
    lines = [
        f"{study.recipe.title}: {found['frames']} frame(s), {found['particles']} particle(s), "
        f"median sigma of x per pixel {found['median_sigma_x']:.3f}"
    ]
    for name, means, stds in zip(
        table["particle"].values, table["lithium_fraction"].values, table["lithium_fraction_std"].values, strict=True
    ):
        good = np.flatnonzero(np.isfinite(means))
        if good.size:
            first, last = good[0], good[-1]
            lines.append(
                f"  {name}: x = {means[first]:.3f} ± {stds[first]:.3f}"
                + (f"  ->  {means[last]:.3f} ± {stds[last]:.3f}" if last > first else "")
            )
        else:
            lines.append(f"  {name}: no value")
    lines += [f"  warning: {text}" for text in study.warnings]
    tables = [
        TABLE,
        *(["tracks.csv"] if "tracks" in study.results else []),
        *(f"{name}.csv" for name in _tables(study.results)),
    ]
    return [
        *lines,
        f"page:  {folder / PAGE}",
        *(f"table: {folder / name}" for name in tables),
        f"store: {study.store.path}",
    ]
