from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lithiscope.errors import AnalysisError
from lithiscope.report.choices import choice_figure


def size(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_one_panel_per_figure_that_changes():
    one = choice_figure(["0.4", "0.5"], {"median_x": [0.1, 0.2], "frames": [3, 3]}, name="a.b")
    nine = choice_figure(["0.4", "0.5"], {f"x_first_p{k}": [0.1, 0.2 + k] for k in range(9)}, name="a.b")
    assert size(one)[0] == size(nine)[0]
    # Three rows of panels against one.
    assert size(nine)[1] > 2 * size(one)[1]


def test_nothing_that_changes_is_said_in_the_picture_and_nan_is_no_change():
    still = choice_figure(["a", "b"], {"frames": [3, 3]}, name="a.b")
    lost = choice_figure(["a", "b"], {"frames": [3, np.nan]}, name="a.b")
    assert still != lost


def test_a_number_per_choice():
    with pytest.raises(AnalysisError, match="one number per choice"):
        choice_figure(["a", "b"], {"frames": [3]}, name="a.b")
