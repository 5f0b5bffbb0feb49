from __future__ import annotations

import io
import json
import struct
import zipfile

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from lithiscope.errors import AnalysisError, FileFormatError, LithiscopeWarning, OptionError, StageError
from lithiscope.particles import (
    ImportOptions,
    area_of_pixels,
    export_outlines,
    fiji,
    import_area,
    import_labels,
    name_particles,
)
from particles import scene

SHAPE = (20, 24)
VIDEO = scene.labels(np.zeros(SHAPE))


def boxes(*corners):
    """Integer polygons (left, top, right, bottom) as GeoJSON."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": f"box {number}"},
            "geometry": {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]},
        }
        for number, (x0, y0, x1, y1) in enumerate(corners)
    ]
    return {"type": "FeatureCollection", "features": features}


def geojson(folder, data):
    path = folder / "outlines.geojson"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def rectangle(left, top, right, bottom, **fields):
    roi = ImagejRoi()
    roi.roitype, roi.left, roi.top, roi.right, roi.bottom = ROI_TYPE.RECT, left, top, right, bottom
    for name, value in fields.items():
        setattr(roi, name, value)
    return roi


def roiset(folder, *rois, names=None):
    path = folder / "RoiSet.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, roi in enumerate(rois):
            name = names[number] if names else f"{number:04d}.roi"
            archive.writestr(name, roi if isinstance(roi, bytes) else roi.tobytes())
    return path


def pixels(label, number):
    return {tuple(index) for index in np.argwhere(label.values == number)}


FOUR_BY_TWO = {(row, column) for row in (3, 4) for column in (5, 6, 7, 8)}


def test_integers_are_the_corners_of_pixels(tmp_path):
    """A box from corner (5, 3) to (9, 5) holds columns 5 to 8 and rows 3 to 4, whichever way it was drawn."""
    label = import_labels(geojson(tmp_path, boxes((5, 3, 9, 5))), VIDEO)
    assert pixels(label, 1) == FOUR_BY_TWO
    assert label.attrs["names"] == ["box 0"]
    np.testing.assert_array_equal(label["x"], VIDEO["x"])
    polygon = ImagejRoi.frompoints(np.array([[5, 3], [9, 3], [9, 5], [5, 5]]), name="drawn")
    polygon.roitype = ROI_TYPE.POLYGON
    for roi in (polygon, rectangle(5, 3, 9, 5)):
        assert pixels(import_labels(roiset(tmp_path, roi), VIDEO), 1) == FOUR_BY_TWO


def test_half_a_pixel_decides_by_the_centre(tmp_path):
    """The centre of pixel (3, 5) is at x = 5.5, y = 3.5."""
    assert pixels(import_labels(geojson(tmp_path, boxes((5.4, 3.4, 8.6, 4.6))), VIDEO), 1) == FOUR_BY_TWO
    shrunk = import_labels(geojson(tmp_path, boxes((5.6, 3.4, 8.6, 4.6))), VIDEO)
    assert pixels(shrunk, 1) == {index for index in FOUR_BY_TWO if index[1] > 5}
    subpixel = ImagejRoi.frompoints(np.array([[5.6, 3.4], [8.6, 3.4], [8.6, 4.6], [5.6, 4.6]], dtype=np.float32))
    assert pixels(import_labels(roiset(tmp_path, subpixel), VIDEO), 1) == pixels(shrunk, 1)


def test_every_kind_of_area_of_fiji(tmp_path):
    oval = rectangle(2, 2, 12, 12, roitype=ROI_TYPE.OVAL)
    precise = rectangle(
        14, 3, 20, 9, options=ROI_OPTIONS.SUB_PIXEL_RESOLUTION, xd=14.6, yd=3.0, widthd=5.0, heightd=2.0
    )
    traced = ImagejRoi.frompoints(np.array([[3, 14], [7, 14], [7, 18], [3, 18]]), name="traced")
    traced.roitype = ROI_TYPE.TRACED
    label = import_labels(roiset(tmp_path, oval, precise, traced), VIDEO)
    np.testing.assert_array_equal(label.values == 1, scene.disc(SHAPE, (6.5, 6.5), 5))
    assert pixels(label, 2) == {(row, column) for row in (3, 4) for column in range(15, 20)}
    assert (label.values == 3).sum() == 16


def test_one_roi_file_takes_its_name_from_the_file(tmp_path):
    path = tmp_path / "platelet 3.roi"
    path.write_bytes(rectangle(5, 3, 9, 5).tobytes())
    label = import_labels(path, VIDEO)
    assert name_particles(label) == {1: "platelet 3"}


def test_collections_multipolygons_and_holes(tmp_path):
    square = [[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]
    hole = [[3, 3], [3, 6], [6, 6], [6, 3], [3, 3]]
    apart = [[12, 2], [15, 2], [15, 4], [12, 4]]
    geometry = {"type": "MultiPolygon", "coordinates": [[square, hole], [apart]]}
    bare = import_labels(geojson(tmp_path, geometry), VIDEO)
    assert (bare.values == 1).sum() == 64 - 9 + 6
    assert bare.values[4, 4] == 0
    assert "names" not in bare.attrs
    collection = {"type": "GeometryCollection", "geometries": [geometry]}
    feature = {"type": "Feature", "id": 17, "properties": None, "geometry": collection}
    listed = import_labels(geojson(tmp_path, [feature]), VIDEO)
    np.testing.assert_array_equal(listed, bare)
    assert listed.attrs["names"] == ["17"]


@given(label=arrays(np.int32, (7, 8), elements=st.integers(0, 3)), kind=st.sampled_from([".zip", ".geojson"]))
def test_outlines_come_back_as_the_same_pixels_and_names(tmp_path_factory, label, kind):
    numbers = sorted(set(label.ravel().tolist()) - {0})
    path = tmp_path_factory.mktemp("round") / f"outlines{kind}"
    if not numbers:
        with pytest.raises(AnalysisError, match="no particle"):
            export_outlines(scene.labels(label), path)
        return
    ids = {number: f"teilchen/µ {number}" for number in numbers}
    export_outlines(scene.labels(label), path, ids=ids)
    back = import_labels(path, scene.labels(label))
    np.testing.assert_array_equal(back, np.searchsorted([0, *numbers], label))
    assert list(name_particles(back).values()) == list(ids.values())


def test_exports_are_the_same_bytes_twice(tmp_path):
    labels = scene.labels(scene.disc(SHAPE, (9, 9), 6))
    for kind in ("zip", "geojson"):
        export_outlines(labels, tmp_path / f"one.{kind}")
        export_outlines(labels, tmp_path / f"two.{kind}")
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_export_refuses_other_endings_and_cycles(tmp_path):
    with pytest.raises(OptionError, match=r"\.zip"):
        export_outlines(VIDEO, tmp_path / "outlines.svg")
    with pytest.raises(StageError, match="select a cycle"):
        export_outlines(scene.labels(np.ones((2, 5, 5))), tmp_path / "outlines.zip")


def write_tiff(folder, values, **kwargs):
    path = folder / "labels.tif"
    tifffile.imwrite(path, values, photometric="minisblack", **kwargs)
    return path


def test_label_and_mask_pictures(tmp_path):
    values = np.zeros(SHAPE, dtype=np.uint16)
    values[2:5, 3:6], values[10:14, 10:14] = 40, 7
    label = import_labels(write_tiff(tmp_path, values), VIDEO)
    assert (label.values[3, 4], label.values[12, 12]) == (2, 1)
    as_float = import_labels(write_tiff(tmp_path, values.astype(np.float32)), VIDEO)
    np.testing.assert_array_equal(as_float, label)
    mask = import_labels(write_tiff(tmp_path, 255 * (values > 0).astype(np.uint8)), VIDEO)
    assert (mask.values[3, 4], mask.values[12, 12]) == (1, 2)
    paged = import_labels(write_tiff(tmp_path, values[None], imagej=True), VIDEO)
    np.testing.assert_array_equal(paged, label)


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        (np.zeros((20, 23), dtype=np.uint8), StageError, "another size"),
        (np.ones((3, *SHAPE), dtype=np.uint8), StageError, "another size"),
        (np.zeros(SHAPE, dtype=np.uint8), AnalysisError, "holds no particle"),
        (np.full(SHAPE, 0.5, dtype=np.float32), FileFormatError, "are no labels"),
        (np.full(SHAPE, np.nan, dtype=np.float32), FileFormatError, "are no labels"),
        (np.full(SHAPE, -1, dtype=np.int16), FileFormatError, "are no labels"),
    ],
)
def test_bad_pictures(tmp_path, values, error, words):
    with pytest.raises(error, match=words):
        import_labels(write_tiff(tmp_path, values), VIDEO)


def test_truncated_and_false_tiffs(tmp_path):
    values = np.random.default_rng(0).integers(0, 9, SHAPE).astype(np.uint16)
    path = write_tiff(tmp_path, values, compression="zlib")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FileFormatError, match="no readable TIFF"):
        import_labels(path, VIDEO)
    path.write_bytes(b"this is text")
    with pytest.raises(FileFormatError, match="no readable TIFF"):
        import_labels(path, VIDEO)


def test_overlapping_regions_are_an_error_or_follow_the_rule(tmp_path):
    path = geojson(tmp_path, boxes((2, 2, 8, 8), (6, 6, 12, 12)))
    with pytest.raises(AnalysisError, match="overlap") as caught:
        import_labels(path, VIDEO)
    assert "box 0, box 1" in str(caught.value)
    assert "4 pixels" in str(caught.value)
    first = import_labels(path, VIDEO, options=ImportOptions(overlap="first"))
    last = import_labels(path, VIDEO, options=ImportOptions(overlap="last"))
    assert (first.values[7, 7], last.values[7, 7]) == (1, 2)
    hidden = geojson(tmp_path, boxes((2, 2, 8, 8), (3, 3, 5, 5)))
    with pytest.raises(AnalysisError, match="wholly under"):
        import_labels(hidden, VIDEO, options=ImportOptions(overlap="first"))


def test_an_area_is_that_of_all_regions_together(tmp_path):
    # Two that overlap, and one that lies within another.
    area = import_area(geojson(tmp_path, boxes((2, 2, 8, 8), (6, 6, 12, 12), (3, 3, 5, 5))), VIDEO)
    expected = np.zeros(SHAPE, dtype=bool)
    expected[2:8, 2:8] = expected[6:12, 6:12] = True
    np.testing.assert_array_equal(area.values, expected)
    assert area.dims == ("y", "x")
    with pytest.raises(AnalysisError, match="holds no pixel"):
        import_area(geojson(tmp_path, boxes((2, 2, 8, 8), (30, 3, 35, 8))), VIDEO)


def test_neighbours_that_share_an_edge_do_not_overlap(tmp_path):
    triangles = {
        "type": "MultiPolygon",
        "coordinates": [[[[2, 2], [12, 2], [2, 12]]]],
    }
    other = {"type": "Polygon", "coordinates": [[[12, 2], [12, 12], [2, 12]]]}
    label = import_labels(geojson(tmp_path, {"type": "GeometryCollection", "geometries": [triangles, other]}), VIDEO)
    assert (label.values > 0).sum() == 100


def test_regions_beyond_the_picture(tmp_path):
    with pytest.raises(AnalysisError, match="holds no pixel"):
        import_labels(geojson(tmp_path, boxes((30, 3, 35, 8))), VIDEO)
    with pytest.warns(LithiscopeWarning, match="reaches beyond"):
        label = import_labels(geojson(tmp_path, boxes((20, 3, 35, 8))), VIDEO)
    assert (label.values == 1).sum() == 4 * 5


def ring_of(points):
    return {"type": "Polygon", "coordinates": [points]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, "no area"),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, "no area"),
        ({"hello": "world"}, "no area"),
        ({"type": "Feature", "geometry": None}, "no area"),
        ({"type": "FeatureCollection"}, "no GeoJSON"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "Polygon", "coordinates": 3}, "no area"),
        (ring_of([[1, 1], [2, 2]]), "too few corners"),
        (ring_of([[1, 1], [2, "x"], [3, 3]]), "no pairs of numbers"),
        (ring_of([[1, 1], [2, float("nan")], [3, 3]]), "no pairs of numbers"),
        (ring_of([1, 2, 3]), "no pairs of numbers"),
        (ring_of([[1, 1], [2], [3, 3]]), "no pairs of numbers"),
    ],
)
def test_bad_geojson(tmp_path, data, words):
    with pytest.raises(FileFormatError, match=words) as caught:
        import_labels(geojson(tmp_path, data), VIDEO)
    assert "outlines.geojson" in str(caught.value)


def test_geojson_that_is_none(tmp_path):
    path = tmp_path / "outlines.geojson"
    for text in ("{", "", "[" * 100_000):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(FileFormatError, match="no GeoJSON"):
            import_labels(path, VIDEO)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="no GeoJSON"):
        import_labels(path, VIDEO)
    with pytest.raises(AnalysisError, match="holds no particle"):
        import_labels(geojson(tmp_path, {"type": "FeatureCollection", "features": []}), VIDEO)


@pytest.mark.parametrize(
    "roi",
    [
        rectangle(1, 1, 5, 5, roitype=ROI_TYPE.LINE),
        rectangle(1, 1, 5, 5, roitype=ROI_TYPE.NOROI),
        rectangle(1, 1, 5, 5, subtype=ROI_SUBTYPE.TEXT, text_name="", text="hello"),
    ],
)
def test_regions_that_are_no_area(tmp_path, roi):
    with pytest.raises(FileFormatError, match="no area") as caught:
        import_labels(roiset(tmp_path, roi), VIDEO)
    assert "area selection" in str(caught.value)


def test_points_are_no_area(tmp_path):
    points = ImagejRoi.frompoints(np.array([[3, 3], [5, 5], [7, 3]]), name="clicks")
    points.roitype = ROI_TYPE.POINT
    with pytest.raises(FileFormatError, match="no area") as caught:
        import_labels(roiset(tmp_path, points), VIDEO)
    assert "clicks" in str(caught.value)


def broken_polygon():
    data = bytearray(ImagejRoi.frompoints(np.array([[3, 3], [5, 5], [7, 3]])).tobytes())
    data[16:18] = struct.pack(">H", 60000)  # corners that are not there
    return bytes(data)


@pytest.mark.parametrize("data", [b"", b"Iout", b"x" * 100, broken_polygon(), rectangle(5, 5, 5, 9).tobytes()])
def test_corrupt_regions(tmp_path, data):
    with pytest.raises(FileFormatError, match="corrupt") as caught:
        import_labels(roiset(tmp_path, data), VIDEO)
    assert "0000" in str(caught.value)


def test_corrupt_zip_files(tmp_path):
    path = roiset(tmp_path, rectangle(1, 1, 5, 5))
    whole = path.read_bytes()
    for data in (b"", b"no zip", whole[:40], whole[:50] + b"\xff" * 20 + whole[70:]):
        path.write_bytes(data)
        with pytest.raises(FileFormatError):
            import_labels(path, VIDEO)
    with pytest.raises(AnalysisError, match="holds no particle"):
        import_labels(roiset(tmp_path), VIDEO)


def test_hostile_zip_files(tmp_path, monkeypatch):
    region = rectangle(1, 1, 5, 5).tobytes()
    with pytest.raises(FileFormatError, match="no region"):
        import_labels(roiset(tmp_path, region, b"#!", names=["a.roi", "../../run.sh"]), VIDEO)
    clutter = roiset(tmp_path, region, b"mac", names=["a.roi", "__MACOSX/._a.roi"])
    assert import_labels(clutter, VIDEO).values.max() == 1
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.roi", region + bytes(20 * 2**20))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(FileFormatError, match="too large"):
        import_labels(bomb, VIDEO)
    monkeypatch.setattr(fiji, "_MOST_ENTRIES", 3)
    with pytest.raises(FileFormatError, match="too many entries"):
        import_labels(roiset(tmp_path, *[region] * 4), VIDEO)
    monkeypatch.setattr(fiji, "_LARGEST_TOTAL", 2 * len(region))
    with pytest.raises(FileFormatError, match="unpacks to too much"):
        import_labels(roiset(tmp_path, *[region] * 3), VIDEO)


def test_a_zip_file_that_lies_about_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(fiji, "_LARGEST_ENTRY", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.roi", bytes(5000))
    data = bytearray(buffer.getvalue())
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 100)
    path = tmp_path / "RoiSet.zip"
    path.write_bytes(bytes(data))
    with pytest.raises(FileFormatError):
        import_labels(path, VIDEO)


def test_missing_files_and_other_endings(tmp_path):
    with pytest.raises(FileFormatError, match="no such file"):
        import_labels(tmp_path / "nothing.zip", VIDEO)
    path = tmp_path / "labels.docx"
    path.write_bytes(b"x")
    with pytest.raises(FileFormatError, match="cannot be read from such a file") as caught:
        import_labels(path, VIDEO)
    assert ".geojson" in str(caught.value)


def points(*places, **fields):
    """A point selection of Fiji; with fractions where one is given."""
    roi = ImagejRoi.frompoints(np.array(places, dtype=float))
    roi.roitype = ROI_TYPE.POINT
    for name, value in fields.items():
        setattr(roi, name, value)
    return roi


def features(kind, coordinates):
    return {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": coordinates}}


@pytest.mark.parametrize("form", ["roi", "zip", "point", "multipoint"])
def test_points_are_the_pixels_in_which_they_lie(tmp_path, form):
    # (x, y): column and row; 5.9 lies in column 5, and two points in one pixel are that pixel.
    places = [(5.9, 3.1), (5.2, 3.8), (0.0, 19.0), (23.5, 0.5)]
    if form == "roi":
        path = tmp_path / "a.roi"
        path.write_bytes(points(*places).tobytes())
    elif form == "zip":
        path = roiset(tmp_path, points(*places[:3]), points(places[3]))
    elif form == "point":
        path = geojson(tmp_path, [features("Point", list(one)) for one in places])
    else:
        path = geojson(tmp_path, features("MultiPoint", [list(one) for one in places]))
    area = import_area(path, VIDEO)
    assert np.argwhere(area.values).tolist() == [[0, 23], [3, 5], [19, 0]]
    with pytest.raises(FileFormatError, match="no area"):
        import_labels(path, VIDEO)


def test_points_and_areas_may_stand_in_one_file(tmp_path):
    area = import_area(roiset(tmp_path, rectangle(2, 2, 4, 4), points((10.5, 10.5))), VIDEO)
    assert np.argwhere(area.values).tolist() == [[2, 2], [2, 3], [3, 2], [3, 3], [10, 10]]


@pytest.mark.parametrize(
    ("kind", "coordinates"), [("Point", ["a", 1]), ("MultiPoint", []), ("MultiPoint", 3), ("Point", [1.0])]
)
def test_points_that_are_none_are_refused(tmp_path, kind, coordinates):
    with pytest.raises(FileFormatError, match="no pairs of numbers"):
        import_area(geojson(tmp_path, features(kind, coordinates)), VIDEO)


def test_points_outside_the_picture_are_refused(tmp_path):
    with pytest.raises(AnalysisError, match="holds no pixel"):
        import_area(geojson(tmp_path, features("Point", [30.5, 3.0])), VIDEO)
    with pytest.raises(OptionError, match=r"rows 0 to 19, columns 0 to 23") as caught:
        area_of_pixels([(3, 4), (20, 4)], VIDEO, field="references.lithiated_pixels")
    assert (caught.value.field, caught.value.value) == ("references.lithiated_pixels", [20, 4])


def test_chosen_pixels_are_rows_and_columns():
    area = area_of_pixels([(3, 5), (3, 5), (19, 0)], VIDEO, field="pixels")
    assert area.dims == ("y", "x")
    assert np.argwhere(area.values).tolist() == [[3, 5], [19, 0]]
