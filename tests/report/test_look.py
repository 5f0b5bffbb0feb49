from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lithiscope import stages
from lithiscope.report.look import LookPanel, look_sheet


def sheet(panels: int, warnings: tuple[str, ...] = ()) -> Image.Image:
    y, x = np.arange(30) * 0.05, np.arange(40) * 0.05
    data = stages.new(
        "recording", {"counts": ("time y x", np.ones((1, 30, 40)))},
        coords={"time": ("time", [0.0]), "y": ("y", y), "x": ("x", x)},
    )  # fmt: skip
    ramp = np.linspace(0, 1, 1200).reshape(30, 40)
    energy = np.array([703.0, 706.0, 713.0])
    picture = look_sheet(
        data, [LookPanel(f"map {k}", ramp, "OD") for k in range(panels)], energy=energy,
        spectra={"material": np.array([0.3, 0.7, 0.8]), "blank": np.zeros(3)}, warnings=warnings,
    )  # fmt: skip
    return Image.open(io.BytesIO(picture)).convert("RGB")


def test_maps_are_in_colour_and_warnings_take_their_own_lines():
    plain, warned = sheet(3), sheet(3, ("saturation?", "a leak?"))
    assert plain.width == warned.width
    assert warned.height > plain.height
    colours = np.asarray(plain).reshape(-1, 3)
    # The top of the palette (yellow) is in the picture: the ramp reaches its end.
    assert (np.abs(colours.astype(int) - [253, 231, 55]).sum(axis=1) < 60).any()


def test_fewer_maps_are_drawn_larger():
    assert sheet(1).height > sheet(3).height


def test_the_same_input_gives_the_same_bytes():
    assert sheet(2).tobytes() == sheet(2).tobytes()
