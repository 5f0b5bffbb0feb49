"""Published parameter sets of battery materials: one file each, every number with its unit, source and validity.

`material` gives a set by name or from a YAML file, `material_names` what there is, `varied` a copy with other numbers
under another name. `numbers` holds what a number carries, `schema` what a file may hold, `parameter_set` the laws and
the numbers in SI and in the units of the phase-field engine, `listing` the lines that the command prints. Plug-ins add
sets through the entry point group ``lithiscope.materials``: a path, a `Material`, or a function that gives one.
"""

from lithiscope.materials.parameter_set import Material, ReactingPhase
from lithiscope.materials.reading import material, material_names
from lithiscope.materials.varied import varied

__all__ = ["Material", "ReactingPhase", "material", "material_names", "varied"]
