import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from lithiscope.errors import AnalysisError
from lithiscope.grid import from_dataset, ragged_pixels

LABELS = arrays(
    np.int32, array_shapes(min_dims=2, max_dims=3, max_side=5), elements={"min_value": 0, "max_value": 4}
).filter(np.any)


@given(label=LABELS)
def test_particles_one_after_the_other(label):
    found = ragged_pixels(label)
    field = np.stack([np.arange(label.size, dtype=float).reshape(label.shape)] * 2)
    packed = found.pack(field)
    assert found.row_size.sum() == np.count_nonzero(label)
    for number, name in enumerate(found.label):
        np.testing.assert_array_equal(packed[:, found.rows(number)], field[:, label == name])
    np.testing.assert_allclose(found.sum(packed)[0], [field[0][label == name].sum() for name in found.label])
    back = found.unpack(packed)
    np.testing.assert_array_equal(back[:, label > 0], field[:, label > 0])
    assert np.isnan(back[:, label == 0]).all()


@given(label=LABELS)
def test_the_dataset_holds_everything(label):
    found = ragged_pixels(label)
    packed = found.to_dataset({"label_again": ("pixel", found.pack(label))})
    assert isinstance(packed, xr.Dataset)
    assert packed["row_size"].attrs["sample_dimension"] == "pixel"
    assert packed.sizes["pixel"] == np.count_nonzero(label)
    again = from_dataset(packed)
    assert again.shape == found.shape
    np.testing.assert_array_equal(again.unpack(packed["label_again"].values, fill=0), label)
    np.testing.assert_array_equal(again.row_size, found.row_size)


def test_names_and_dimensions():
    label = np.array([[0, 7, 7], [3, 0, 7]])
    found = ragged_pixels(label)
    times = np.ones((4, 2, 3))
    packed = found.to_dataset({"lithium_fraction": ("time pixel", found.pack(times))}, names=["first", "second"])
    assert packed["lithium_fraction"].dims == ("time", "pixel")
    assert packed["particle"].values.tolist() == ["first", "second"]
    assert packed["iy"].values.tolist() == [1, 0, 0, 1]
    assert packed["ix"].values.tolist() == [0, 1, 2, 2]
    assert found.to_dataset({})["particle"].values.tolist() == ["3", "7"]


@pytest.mark.parametrize(("label", "message"), [(np.zeros((2, 2), int), "no particle"), (np.ones((2, 2)), "whole")])
def test_labels_that_are_none(label, message):
    with pytest.raises(AnalysisError, match=message) as caught:
        ragged_pixels(label)
    assert caught.value.field == "label"


def test_arrays_of_another_shape():
    with pytest.raises(AnalysisError, match="does not fit"):
        ragged_pixels(np.ones((2, 3), int)).pack(np.zeros((3, 2)))
