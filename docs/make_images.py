"""Write docs/images/simulation_NAME.png, the figure of every simulation that comes with the program (twenty minutes).

`python docs/make_images.py FOLDER` runs each into FOLDER/NAME; what lies there already is not run again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from lithiscope.studies.simulation import simulate_recipe
from lithiscope.studies.simulation_recipe import load_simulation, packaged

_WIDTH = 900
_COLOURS = 256
_IMAGES = Path(__file__).with_name("images")


def main(folder: Path) -> None:
    """Run what is not there, and write the small pictures."""
    for name in packaged():
        figure = folder / name / "figure.png"
        if not figure.exists():
            simulate_recipe(load_simulation(name), figure.parent)
        with Image.open(figure) as picture:
            height = round(picture.height * _WIDTH / picture.width)
            small = picture.convert("RGB").resize((_WIDTH, height), Image.Resampling.LANCZOS)
        small = small.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small.save(_IMAGES / f"simulation_{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
