"""What a store holds, in words."""

from __future__ import annotations

from pathlib import Path

from lithiscope.errors import FileFormatError
from lithiscope.studies.store import Store
from lithiscope.studies.unfinished import unfinished

_SHOWN = ("particle", "time", "energy", "component", "z", "y", "x")


def describe(path: Path) -> list[str]:
    """Return what a study holds and how it was made.

    Parameters
    ----------
    path : Path
        A results folder, or the store in it.

    Raises
    ------
    FileFormatError
        If there is no store.
    """
    place = path / "study.zarr" if (path / "study.zarr").exists() else path
    if not place.is_dir():
        raise FileFormatError("there is no study", file=place, remedy="give the folder that `lithiscope run` wrote")
    store = Store(place)
    about = store.attributes()
    state = unfinished(store)
    earlier = state.earlier if state else []
    lines = [f"{about.get('title', 'unfinished study')}  ({place})"]
    if earlier:
        lines.append(f"  {state}: what is marked as earlier does not belong to the rest")
    for step in store.steps():
        data, record = store.load(step), store.record(step)
        sizes = " x ".join(f"{data.sizes[name]} {name}" for name in _SHOWN if name in data.sizes)
        lines.append(
            f"  {step:16s} {sizes:44s} {record.get('seconds', 0):7.2f} s  {record.get('finished', '')}"
            + ("  (earlier)" if step in earlier else "")
        )
        lines += [f"      warning: {text}" for text in record.get("warnings", [])]
    if state is None:
        provenance = about["provenance"]
        versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
        lines += [f"  made {provenance['started']} with {versions}", f"  inputs: {len(provenance['inputs'])} files"]
    else:
        lines.append(f"  {state}; `lithiscope run` goes on from here")
    return lines
