"""An SDF scan written by hand from the published form of its header, not by the writer under test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lithiscope.verification.file_builders.picture import Picture

_HEADER = """ScanDefinition = {{ Label = "{label}"; Type = "NEXAFS Image Scan"; Flags = "Image Stack"; Dwell = {dwell};
\tRegions = (1,
{{
\t\tPAxis = {{ Name = "Sample X"; Unit = "um"; Min = 0; Max = 1; Dir = 1;
\t\t\tPoints = ({x}); }};
\t\tQAxis = {{ Name = "Sample Y"; Unit = "um"; Min = 0; Max = 1; Dir = 1;
\t\t\tPoints = ({y}); }};
}});

\tStackAxis = {{ Name = "Energy"; Unit = "eV"; Min = 0; Max = 1; Dir = 1;
\t\tPoints = ({energy}); }};

\tChannels = (1,
{{ Name = "counter0"; Unit = "counts";}});
}};
 Time = "2023 May 04 12:30:00"; BeamFeedback = true;
 StorageRingCurrent = 400.5; EPUPhase = 0;
"""


def write_sdf_by_hand(path: Path, given: Picture) -> Path:
    """Write header and images of one region; the dwell is that of the first frame."""
    axes = {
        name: ", ".join(map(str, [values.size, *values.tolist()]))
        for name, values in (("x", given.x), ("y", given.y), ("energy", given.energy))
    }
    text = _HEADER.format(label=path.name, dwell=f"{given.dwell[0] * 1e3:g}", **axes)
    path.write_text(text, encoding="latin-1")
    for number, frame in enumerate(np.asarray(given.counts)):
        lines = ["\t".join(f"{value:g}" for value in row) + "\t\n" for row in frame]
        path.with_name(f"{path.stem}_a{number:03d}.xim").write_text("".join(lines), encoding="ascii")
    return path
