"""The stages of `scene`, made once."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from report.scene import axes, make_alignment, make_od, make_references, make_table, make_video, platelets


@pytest.fixture(scope="session")
def labels():
    return xr.DataArray(platelets(), dims=("y", "x"), coords={k: v[1] for k, v in axes().items()}, name="label")


@pytest.fixture(scope="session")
def video(labels):
    return make_video(labels.values)


@pytest.fixture(scope="session")
def references():
    return make_references(np.array([703.0, 706.0, 713.0]))


@pytest.fixture(scope="session")
def od(video, references):
    return make_od(video, references)


@pytest.fixture(scope="session")
def alignment():
    return make_alignment()


@pytest.fixture(scope="session")
def table(video, labels):
    return make_table(video, labels.values)
