"""A file that says where a long fit, or several, stand, so that a run that was killed goes on from there."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lithiscope.learning.diary import Diary, Entry


class Checkpoint:
    """The checkpoint of one step.

    Parameters
    ----------
    path : Path
        The file; each renewal replaces it whole.
    key : str
        Of the step: a file under another key belongs to other options or data, and is not used.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self._key = path, key

    def diary(self) -> Diary:
        """Return the diary with which a fit goes on, or begins."""
        from lithiscope.learning.diary import Diary

        return Diary(self.entries(), self.write)

    def entries(self) -> list[Entry]:
        """Return the entries of the run that was killed; none where there is no file, another's, or a damaged one."""
        from lithiscope.learning.diary import Entry
        from lithiscope.learning.fit import Point

        try:
            with self.path.open("rb") as handle, np.load(handle, allow_pickle=False) as held:
                about = json.loads(str(held["about"]))
                if about["key"] != self._key:
                    return []
                found = []
                for number, (damping, steps, done, converged, count, names) in enumerate(about["entries"]):
                    own = tuple(held[f"own-{number}-{k}"] for k in range(count))
                    state = {name: held[f"state-{number}-{name}"] for name in names} or None
                    found.append(Entry(Point(held[f"shared-{number}"], own), damping, steps, done, converged, state))
                return found
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return []

    def rows(self) -> list[dict[str, Any]]:
        """Return what `keep` was given by the run that was killed; nothing where there is no such file."""
        try:
            with self.path.open("rb") as handle, np.load(handle, allow_pickle=False) as held:
                about = json.loads(str(held["about"]))
                return list(about["rows"]) if about["key"] == self._key else []
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return []

    def keep(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace the file by plain rows: what a step of several parts has finished."""
        self._replace(np.array(json.dumps({"key": self._key, "rows": rows})), {})

    def write(self, entries: Sequence[Entry]) -> None:
        """Replace the file."""
        arrays: dict[str, np.ndarray] = {}
        rows = []
        for number, one in enumerate(entries):
            arrays[f"shared-{number}"] = np.asarray(one.point.shared)
            arrays |= {f"own-{number}-{k}": np.asarray(z) for k, z in enumerate(one.point.own)}
            state = one.state or {}
            arrays |= {f"state-{number}-{name}": np.asarray(values) for name, values in state.items()}
            flags = bool(one.done), bool(one.converged)
            rows.append([float(one.damping), int(one.steps), *flags, len(one.point.own), list(state)])
        self._replace(np.array(json.dumps({"key": self._key, "entries": rows})), arrays)

    def _replace(self, about: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
        draft = self.path.with_name(f"{self.path.name}.partial")
        with draft.open("wb") as handle:
            np.savez(handle, about=about, **arrays)  # type: ignore[arg-type]
        draft.replace(self.path)

    def clear(self) -> None:
        """Take the file away: the fit is done."""
        self.path.unlink(missing_ok=True)
