"""The stages of `scene`, made once."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from report import kinetic_scene
from report.scene import axes, make_alignment, make_od, make_references, make_table, make_video, platelets


@pytest.fixture(scope="session")
def whole():
    label = platelets()
    video, references = make_video(label), make_references(np.array([703.0, 706.0, 713.0]))
    return {
        "labels": xr.DataArray(label, dims=("y", "x"), coords={k: v[1] for k, v in axes().items()}, name="label"),
        "video": video,
        "references": references,
        "od": make_od(video, references),
        "alignment": make_alignment(),
        "table": make_table(video, label),
    }


@pytest.fixture(scope="session")
def labels(whole):
    return whole["labels"]


@pytest.fixture(scope="session")
def video(whole):
    return whole["video"]


@pytest.fixture(scope="session")
def references(whole):
    return whole["references"]


@pytest.fixture(scope="session")
def od(whole):
    return whole["od"]


@pytest.fixture(scope="session")
def alignment(whole):
    return whole["alignment"]


@pytest.fixture(scope="session")
def table(whole):
    return whole["table"]


@pytest.fixture(scope="session")
def kinetics():
    return kinetic_scene.make_all()


@pytest.fixture
def drawn(monkeypatch):
    """Run a drawing function and return the matplotlib figure behind its bytes."""
    from matplotlib.figure import Figure

    def run(draw):
        seen, save = [], Figure.savefig
        with monkeypatch.context() as patch:
            patch.setattr(Figure, "savefig", lambda self, *a, **k: (seen.append(self), save(self, *a, **k))[1])
            draw()
        return seen[-1]

    return run
