"""From a microscope's signal to the lithium fraction with its uncertainty, one package per technique.

``xray`` holds soft X-ray spectro-microscopy: incident intensity, optical density, references and unmixing.
"""

from lithiscope.composition import xray

__all__ = ["xray"]
