"""What explains a video: laws and rate fields with uncertainty, learned from composition videos.

`learn` takes composition videos and gives the stage learned_laws and a learned_particle for each particle;
`LearnOptions` says what is learned; `sample` draws from the posterior, to see what its error bars are worth;
`composition_from_strain` makes a composition video of maps of strain; `processes` and `cluster` let particles be worked
on side by side; `material_text`, `pybamm_text` and `mpet_text` write the laws for other programs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lithiscope.learning.options import LearnOptions

if TYPE_CHECKING:
    from lithiscope.learning.export import material_text, mpet_text, pybamm_text
    from lithiscope.learning.inference import fitted, learn
    from lithiscope.learning.sampling import sample, sampled
    from lithiscope.learning.strain import composition_from_strain
    from lithiscope.learning.workers import cluster, processes

__all__ = [
    "LearnOptions",
    "cluster",
    "composition_from_strain",
    "fitted",
    "learn",
    "material_text",
    "mpet_text",
    "processes",
    "pybamm_text",
    "sample",
    "sampled",
]

_PLACES = {
    "cluster": "workers",
    "composition_from_strain": "strain",
    "fitted": "inference",
    "learn": "inference",
    "material_text": "export",
    "mpet_text": "export",
    "processes": "workers",
    "pybamm_text": "export",
    "sample": "sampling",
    "sampled": "sampling",
}


def __getattr__(name: str) -> Any:
    # JAX takes seconds to import, and a recipe needs the options only.
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
