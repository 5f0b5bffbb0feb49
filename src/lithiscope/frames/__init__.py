"""Pictures as pictures: correction of raw counts, registration, and resampling. Nothing here knows chemistry.

`correct` makes counts with noise out of a recording, `correct_parts` out of one that is larger than memory; `register`
finds where each frame lies, `slipped` which frames lie nowhere as a whole; `compose` adds up alignments; `resample`
moves the frames, once; `drift_leakage` says what drift is left.
"""

from lithiscope.frames.compose import compose
from lithiscope.frames.correct import correct, correct_parts, joined_notes
from lithiscope.frames.leakage import drift_leakage
from lithiscope.frames.options import CorrectOptions, RegisterOptions, ResampleOptions
from lithiscope.frames.register import register
from lithiscope.frames.resample import resample
from lithiscope.frames.slips import slipped

__all__ = [
    "CorrectOptions",
    "RegisterOptions",
    "ResampleOptions",
    "compose",
    "correct",
    "correct_parts",
    "drift_leakage",
    "joined_notes",
    "register",
    "resample",
    "slipped",
]
