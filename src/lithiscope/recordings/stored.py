"""The recording in the Zarr store of a study, as a run left it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lithiscope import stages
from lithiscope.errors import FileFormatError, OptionError
from lithiscope.recordings.damage import damage_named

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "study"
ABOUT = "a study of lithiscope: the recording of all its scans, before any correction"
ENDINGS = (".zarr/",)
RECOGNISED = "a folder study.zarr, or one that holds it, with a step recording"
_STEP = "recording"


def can_open(path: Path) -> bool:
    """Whether the folder is the store of a study, or holds one, with a recording in it."""
    return (_store(path) / _STEP / "zarr.json").is_file()


def list_regions(path: Path) -> list[str]:
    """Describe the one recording."""
    return [f"recording of {_store(path).name}"]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:  # noqa: ARG001
    """Read the recording of all scans of the study; its zone and channel were chosen when it ran.

    Raises
    ------
    FileFormatError
        If the store is damaged.
    OptionError
        If another channel is asked for.
    """
    import xarray as xr

    place = _store(path) / _STEP
    with damage_named(place):
        head = json.loads((place / "zarr.json").read_text(encoding="utf-8"))
        if not isinstance(head, dict) or head.get("attributes", {}).get("stage") != _STEP:
            raise FileFormatError("the step is no recording", file=place, remedy="give the folder of a study that ran")
        with xr.open_zarr(place, zarr_format=3, consolidated=False, chunks=None, mask_and_scale=False) as data:
            recording = data.load()
    # What the store itself keeps beside the data.
    recording.attrs = {name: value for name, value in recording.attrs.items() if not name.startswith("lithiscope_")}
    if channel not in (None, recording.attrs.get("channel")):
        raise OptionError(
            "the study was run with another channel",
            file=path,
            field="channel",
            value=channel,
            limit=str(recording.attrs.get("channel")),
            remedy="open the raw files",
        )
    return stages.check(recording, _STEP)


def _store(path: Path) -> Path:
    return path / "study.zarr" if (path / "study.zarr").is_dir() else path
