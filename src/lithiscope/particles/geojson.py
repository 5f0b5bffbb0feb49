"""Regions as GeoJSON polygons in pixel coordinates, as QuPath and napari write them (RFC 7946 grammar)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.particles.regions import Region, pixel_squares, ring

_LARGEST_FILE = 128 * 2**20


def read_geojson(path: Path, *, points: bool = False) -> list[Region]:
    """Read the polygons of a GeoJSON file.

    Parameters
    ----------
    path : Path
        A FeatureCollection, a Feature, a GeometryCollection, a Polygon or a MultiPolygon; also a bare list of
        Features.
    points : bool
        Whether a Point, and each of a MultiPoint, stands for the pixel in which it lies; otherwise it is no area.

    Returns
    -------
    list of Region
        In the order of the file, named by ``properties.name`` or ``id`` where there is one.

    Raises
    ------
    FileFormatError
        If the file is no GeoJSON, or a geometry is no area.
    """
    if path.stat().st_size > _LARGEST_FILE:
        raise FileFormatError(
            "the file is too large",
            file=path,
            value=path.stat().st_size,
            limit=f"{_LARGEST_FILE} bytes",
            remedy="export fewer or simpler regions",
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            "the file is no GeoJSON", file=path, value=error, remedy="export the regions as GeoJSON (FeatureCollection)"
        ) from error
    return [_region(geometry, name, path, points) for geometry, name in _geometries(data, None, path)]


def write_geojson(regions: Sequence[Region], path: Path) -> None:
    """Write regions as a FeatureCollection of polygons in pixel coordinates; holes are inner rings."""
    features = [
        {"type": "Feature", "properties": {"name": region.name}, "geometry": _geometry(region)} for region in regions
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}) + "\n", encoding="utf-8")


def _geometries(data: Any, name: str | None, path: Path) -> Iterator[tuple[Any, str | None]]:
    kind = data.get("type") if isinstance(data, dict) else None
    if isinstance(data, list):
        for item in data:
            yield from _geometries(item, name, path)
    elif kind == "FeatureCollection":
        yield from _geometries(_field(data, "features", path), name, path)
    elif kind == "Feature":
        properties = data.get("properties")
        own = properties.get("name") if isinstance(properties, dict) else None
        found = own or data.get("id")
        yield from _geometries(data.get("geometry"), name if found is None else str(found), path)
    elif kind == "GeometryCollection":
        yield from _geometries(_field(data, "geometries", path), name, path)
    else:
        yield data, name


def _field(data: dict[str, Any], name: str, path: Path) -> list[Any]:
    found = data.get(name)
    if not isinstance(found, list):
        raise FileFormatError(
            "the file is no GeoJSON",
            file=path,
            field=name,
            value=type(found).__name__,
            limit="a list",
            remedy="export the regions as GeoJSON (FeatureCollection)",
        )
    return found


def _region(geometry: Any, name: str | None, path: Path, points: bool) -> Region:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if points and kind in ("Point", "MultiPoint"):
        places = [coordinates] if kind == "Point" else coordinates
        return Region(
            name or "", pixel_squares(places if isinstance(places, list) else [], file=path, name=name or kind)
        )
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(coordinates, list):
        raise FileFormatError(
            "a geometry is no area",
            file=path,
            field=name or "type",
            value=kind or geometry,
            limit="Polygon or MultiPolygon with coordinates",
            remedy="draw the particle as a polygon, or remove the geometry",
        )
    polygons = [coordinates] if kind == "Polygon" else coordinates
    rings = [points for polygon in polygons if isinstance(polygon, list) for points in polygon]
    named = name or ""
    if not rings:
        raise FileFormatError(
            "a geometry is empty",
            file=path,
            field=named or kind,
            limit="one ring or more",
            remedy="delete the empty region and export again",
        )
    return Region(named, tuple(ring(points, file=path, name=named or kind) for points in rings))


def _geometry(region: Region) -> dict[str, Any]:
    """Return a Polygon, or a MultiPolygon of a region in pieces; every hole goes to the outline around it."""
    outer = [one for one in region.rings if signed_area(one) > 0]
    holes = [one for one in region.rings if signed_area(one) <= 0]
    polygons = [[_closed(one), *(_closed(hole) for hole in holes if _around(one, hole))] for one in outer]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def signed_area(corners: np.ndarray) -> float:
    """Area inside a ring of (x, y); negative when it turns the other way, as holes do."""
    x, y = corners.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def _around(outer: np.ndarray, hole: np.ndarray) -> bool:
    from skimage.measure import points_in_poly

    return bool(points_in_poly(hole[:1], outer)[0])


def _closed(corners: np.ndarray) -> list[list[float]]:
    closed: list[list[float]] = np.vstack([corners, corners[:1]]).tolist()
    return closed
