"""Write docs/images/gallery_NAME.webp: every picture of docs/gallery.md, by the command that stands under it.

`python docs/make_gallery.py FOLDER` works in the folder in which `lithiscope demo demo` was run (half a minute).
"""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from lithiscope.cli.app import app

PAGE = Path(__file__).with_name("gallery.md")
_WIDTH = 900
_QUALITY = 90  # a palette of 256 colours would lose those of single points, and steps in the legend of x and amount
_PICTURE = re.compile(r"^!\[[^\]]*\]\(images/gallery_([\w-]+)\.webp\)\n\n    lithiscope (.+)$", re.MULTILINE)


def pictures() -> Iterator[tuple[str, str]]:
    """Yield the name of every picture of the page, and its command without the name of the program."""
    yield from _PICTURE.findall(PAGE.read_text(encoding="utf-8"))


def make(folder: Path, images: Path, *, width: int = _WIDTH) -> list[Path]:
    """Run the commands in a folder that holds ``demo``, and write the pictures, so many pixels wide."""
    made = []
    with contextlib.chdir(folder):
        for name, command in pictures():
            shown = CliRunner().invoke(app, shlex.split(command), catch_exceptions=False)
            if shown.exit_code:
                raise SystemExit(f"lithiscope {command}\n{shown.output}")
            drawn = max(Path("demo").rglob(f"{name}.png"), key=lambda path: path.stat().st_mtime_ns)
            made.append(_small(drawn, images / f"gallery_{name}.webp", width))
    return made


def _small(drawn: Path, out: Path, width: int) -> Path:
    with Image.open(drawn) as picture:
        size = width, round(picture.height * width / picture.width)
        small = Image.new("RGB", picture.size, "white")
        small.paste(picture, mask=picture.getchannel("A") if "A" in picture.getbands() else None)
    small = small.resize(size, Image.Resampling.LANCZOS)
    small.save(out, "WEBP", quality=_QUALITY, method=6)
    return out


if __name__ == "__main__":
    make(Path(sys.argv[1]), PAGE.with_name("images"))
