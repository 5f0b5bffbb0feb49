"""Writing one scan as SDF."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.recordings.sdf.images import image_names
from lithiscope.recordings.times import sdf_time
from lithiscope.recordings.writing import Plain, complete_only, one_scan, refuse_existing

if TYPE_CHECKING:
    import xarray as xr


def write_sdf(recording: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write one scan as SDF: a header, and one image a frame beside it.

    Frames without a single value get no image file, as in an aborted scan. The middle of each exposure is written as
    ``ExposureMid`` (s since the start) into the log of the frames, a field that other programs pass over.

    Parameters
    ----------
    recording : xarray.Dataset
        Stage recording with one time.
    path : str or Path
        Name of the header, ending in .hdr.
    overwrite : bool
        Whether an existing scan of that name may be replaced.

    Returns
    -------
    Path
        The header.

    Raises
    ------
    StageError
        If the recording holds more than one scan.
    OptionError
        If the header exists, or its folder does not.
    """
    path = Path(path)
    if path.suffix.lower() != ".hdr":
        path = path.with_name(f"{path.name}.hdr")
    scan = one_scan(recording)
    refuse_existing(path, overwrite)
    frames = scan.energy.size
    names = [
        image_names(path.stem, channel=0, frame=frame, region=0, frames=frames, regions=1)[0] for frame in range(frames)
    ]
    # The header goes first and comes last, so that no reader ever sees a header with the images of another scan.
    path.unlink(missing_ok=True)
    for name, image in zip(names, scan.counts, strict=True):
        _write_image(path.with_name(name), image)
    with complete_only(path) as draft:
        draft.write_text("".join(_header(scan, recording.attrs, path.name)), encoding="latin-1", newline="\n")
    return path


def _write_image(path: Path, image: np.ndarray) -> None:
    path.unlink(missing_ok=True)
    if np.isfinite(image).any():
        with complete_only(path) as draft, draft.open("w", encoding="ascii", newline="\n") as file:
            # Nine digits hold any float32 exactly; whole numbers come out without a point.
            np.savetxt(file, image, fmt="%.9g", delimiter="\t", newline="\t\n")


def _header(scan: Plain, attrs: dict[str, object], name: str) -> Iterator[str]:
    kind, flags = ("NEXAFS Image Scan", "Image Stack") if scan.energy.size > 1 else ("Image Scan", "Image")
    dwell = np.nanmedian(scan.dwell) * 1e3 if np.isfinite(scan.dwell).any() else None
    yield f'\nScanDefinition = {{ Label = "{_text(name)}"; Type = "{kind}"; Flags = "{flags}";'
    yield "\n" if dwell is None else f" Dwell = {_number(dwell)};\n"
    yield "\tRegions = (1,\n{\n"
    yield _axis("PAxis", "Sample X", "um", scan.x) + _axis("QAxis", "Sample Y", "um", scan.y)
    yield "});\n\n" + _axis("StackAxis", "Energy", "eV", scan.energy)
    yield f'\tChannels = (1,\n{{ Name = "{_text(attrs.get("channel", "counter0"))}"; Unit = "counts";}});\n}};\n'
    start = scan.local or scan.utc
    if start is not None:
        yield f' Time = "{sdf_time(start)}";\n'
    for field, attribute in (("Origin", "origin"), ("DetectorSaturation", "saturation")):
        if attribute in attrs:
            value = attrs[attribute]
            yield f" {field} = {_number(value) if isinstance(value, int | float) else _quoted(value)};\n"
    if np.isfinite(scan.dwell).all():
        yield _energy_regions(scan)
    yield from _log(scan)


def _axis(field: str, name: str, unit: str, points: np.ndarray) -> str:
    listed = ", ".join(map(_number, points))
    return (
        f'\t{field} = {{ Name = "{name}"; Unit = "{unit}"; Min = {_number(points.min())}; Max = '
        f"{_number(points.max())}; Dir = 1;\n\t\tPoints = ({points.size}, {listed});\n}};\n"
    )


def _energy_regions(scan: Plain) -> str:
    parts = []
    for dwell, group in groupby(range(scan.energy.size), key=lambda frame: float(scan.dwell[frame])):
        energies = scan.energy[list(group)]
        parts.append(
            f"{{ StartEnergy = {_number(energies[0])}; EndEnergy = {_number(energies[-1])}; "
            f"Points = {energies.size}; DwellTime = {_number(dwell * 1e3)};}}"
        )
    return f"ImageScan = {{ EnergyRegions = ({len(parts)},\n" + ",\n".join(parts) + ");\n};\n"


def _log(scan: Plain) -> Iterator[str]:
    pixels = scan.y.size * scan.x.size
    start = scan.local or scan.utc
    for frame, energy in enumerate(scan.energy):
        fields = [f"Energy = {_number(energy)};"]
        if np.isfinite(scan.current[frame]):
            fields.insert(0, f"StorageRingCurrent = {_number(scan.current[frame] * 1e3)};")
        if np.isfinite(scan.mid[frame]):
            if start is not None:
                lasts = np.nan_to_num(scan.dwell[frame] * pixels)
                began = start + timedelta(seconds=max(0.0, scan.mid[frame] - lasts / 2))
                fields.append(f'Time = "{sdf_time(began)}";')
            fields.append(f"ExposureMid = {_number(scan.mid[frame])};")
        yield f"Image{frame:03d}_0 = {{{' '.join(fields)}}};\n"


def _number(value: object) -> str:
    number = float(value)  # type: ignore[arg-type]
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _text(value: object) -> str:
    """Return the value without what would end a string of the header."""
    return str(value).replace('"', "'").replace("\n", " ").encode("latin-1", "replace").decode("latin-1")


def _quoted(value: object) -> str:
    return f'"{_text(value)}"'
