"""Learned laws as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


def export_laws(tree: xr.DataTree | xr.Dataset, folder: Path) -> list[Path]:
    """Write learned laws as a material set, functions for PyBaMM, and configuration and functions for MPET.

    Parameters
    ----------
    tree : DataTree or Dataset
        From `lithiscope.learning.learn`, or its stage learned_laws.
    folder : Path
        Made when absent; older files of the same names are replaced whole.

    Returns
    -------
    list of Path
        ``NAME.yaml``, ``NAME_pybamm.py``, ``NAME_mpet.cfg``, ``NAME_mpet_material.py``, ``NAME_mpet_reaction.py``.

    Raises
    ------
    AnalysisError, OptionError
        If the data say nothing about the laws, or their parameter set is gone.
    """
    from lithiscope.learning.export import learned_of, material_text, mpet_text, pybamm_text, set_name
    from lithiscope.materials import material

    name, mpet = set_name(learned_of(tree)), mpet_text(tree)
    texts = {
        f"{name}.yaml": material_text(tree),
        f"{name}_pybamm.py": pybamm_text(tree),
        f"{name}_mpet.cfg": mpet.configuration,
        f"{name}_mpet_material.py": mpet.material,
        f"{name}_mpet_reaction.py": mpet.reaction,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        draft = folder / f"{file}.partial"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / file)
    material(folder / f"{name}.yaml")  # what cannot be read back is no export
    return [folder / file for file in texts]
