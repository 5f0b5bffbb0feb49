"""Labels from and to the files of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import AnalysisError, FileFormatError, OptionError, StageError
from lithiscope.particles.fiji import read_rois, write_rois
from lithiscope.particles.geojson import read_geojson, write_geojson
from lithiscope.particles.identity import name_particles
from lithiscope.particles.images import check_labels, label_image, spacing
from lithiscope.particles.options import ImportOptions
from lithiscope.particles.outlines import rings
from lithiscope.particles.pictures import read_label_picture
from lithiscope.particles.regions import Region, fill

if TYPE_CHECKING:
    import xarray as xr

_REGION_READERS: dict[str, Callable[..., list[Region]]] = {
    ".roi": read_rois,
    ".zip": read_rois,
    ".geojson": read_geojson,
    ".json": read_geojson,
}
_PICTURES = (".tif", ".tiff")
_WRITERS = {".zip": write_rois, ".geojson": write_geojson, ".json": write_geojson}


def import_labels(
    path: str | Path,
    video: xr.Dataset | xr.DataArray,
    *,
    options: ImportOptions = ImportOptions(),  # noqa: B008
) -> xr.DataArray:
    """Read particles that were drawn in another program.

    Parameters
    ----------
    path : str or Path
        A Fiji ``.roi`` or ROI manager ``.zip``, GeoJSON polygons, or a label or mask TIFF.
    video : Dataset or DataArray
        Anything with the coordinates y and x (um) of the picture that was drawn on: its first row and column are the
        first of that picture.
    options : ImportOptions
        What to do where regions overlap.

    Returns
    -------
    DataArray of int32, shape (y, x)
        Particle numbers from 1 in the order of the file; 0 is background. ``attrs["names"]`` keeps the names of the
        file where every particle has one of its own.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or holds something that is no area.
    AnalysisError
        If there is no particle, a region lies outside the picture, or two regions overlap.
    StageError
        If a label picture has another size.

    Notes
    -----
    Coordinates are pixels as in Fiji: integers are the corners of pixels, the centre of the first pixel is (0.5,
    0.5), and a pixel belongs to a region when its centre does. A region that reaches beyond the picture is cut, with
    a warning.
    """
    label, names = _read(Path(path), video, options.overlap)
    result = label_image(label, video)
    if all(names) and len(set(names)) == len(names) and names:
        result.attrs["names"] = names
    return result


def import_area(path: str | Path, video: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """Read an area that was drawn in another program: that of all regions of a file together, which may overlap.

    A point of Fiji or GeoJSON stands for the pixel in which it lies.

    Parameters
    ----------
    path, video
        As of `import_labels`.

    Returns
    -------
    DataArray of bool, shape (y, x)

    Raises
    ------
    FileFormatError, AnalysisError, StageError
        As of `import_labels`.
    """
    return label_image(_read(Path(path), video, "joined", points=True)[0], video) > 0


def area_of_pixels(pixels: Sequence[Sequence[int]], video: xr.Dataset | xr.DataArray, *, field: str) -> xr.DataArray:
    """Return the area of chosen pixels.

    Parameters
    ----------
    pixels : sequence of (row, column)
        Counted from 0.
    video : Dataset or DataArray
        Anything with the coordinates y and x (um) of the pictures.
    field : str
        What the pixels are called, for the message.

    Returns
    -------
    DataArray of bool, shape (y, x)

    Raises
    ------
    OptionError
        If a pixel lies outside the pictures.
    """
    area = np.zeros((video.sizes["y"], video.sizes["x"]), dtype=int)
    for row, column in pixels:
        if not (0 <= row < area.shape[0] and 0 <= column < area.shape[1]):
            raise OptionError(
                "a chosen pixel lies outside the pictures",
                field=field,
                value=[row, column],
                limit=f"rows 0 to {area.shape[0] - 1}, columns 0 to {area.shape[1] - 1}",
                remedy="give [row, column], counted from 0: y and x of Fiji's status bar",
            )
        area[row, column] = 1
    return label_image(area, video) > 0


def _read(
    path: Path, video: xr.Dataset | xr.DataArray, overlap: str, *, points: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Return label numbers, and the names of the regions where a file has regions."""
    if not path.is_file():
        raise FileFormatError(
            "there is no such file", file=path, remedy="mend the path; in a recipe it is relative to data.folder"
        )
    spacing(video)
    shape = (video.sizes["y"], video.sizes["x"])
    kind = path.suffix.lower()
    names: list[str] = []
    if kind in _PICTURES:
        label = read_label_picture(path, shape)
    elif kind in _REGION_READERS:
        regions = _REGION_READERS[kind](path, points=points)
        label, names = fill(regions, shape, overlap, path), [region.name for region in regions]
    else:
        raise FileFormatError(
            "labels cannot be read from such a file",
            file=path,
            value=kind,
            limit=", ".join([*_REGION_READERS, *_PICTURES]),
            remedy="export as one of these",
        )
    if not label.any():
        raise AnalysisError("the file holds no particle", file=path, remedy="draw at least one region")
    return label, names


def export_outlines(labels: xr.DataArray, path: str | Path, *, ids: Mapping[int, str] | None = None) -> None:
    """Write outlines for Fiji (``.zip``) or as GeoJSON (``.geojson``), as `import_labels` reads them back.

    Parameters
    ----------
    labels : DataArray of int, shape (y, x)
        Particle numbers; of labels per cycle, select one cycle.
    path : str or Path
        File to write; its ending chooses the format. An existing file is replaced.
    ids : mapping of int to str, optional
        Names of the particles; `name_particles` by default.

    Raises
    ------
    OptionError
        If the ending is unknown.
    AnalysisError
        If there is no particle.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise OptionError(
            "outlines cannot be written to such a file",
            file=path,
            value=path.suffix,
            limit=", ".join(_WRITERS),
            remedy="choose one of these endings",
        )
    check_labels(labels)
    if "cycle" in labels.dims:
        raise StageError("outlines are written for one cycle", field="labels", limit="(y, x)", remedy="select a cycle")
    names = name_particles(labels) if ids is None else ids
    # Contours count from pixel centres, Fiji from corners: half a pixel.
    regions = [
        Region(names[number], tuple(one[:-1, ::-1] + 0.5 for one in found))
        for number, found in rings(np.asarray(labels.values)).items()
    ]
    if not regions:
        raise AnalysisError(
            "there is no particle to write", file=path, field="labels", remedy="find or import particles first"
        )
    _WRITERS[path.suffix.lower()](regions, path)
