"""Small files of every format, made from the published structure of the format and not by the readers' code.

They serve the tests and `lithiscope verify files`. Nothing here imports `lithiscope.recordings`.
"""

from lithiscope.verification.file_builders.binary import write_ncb, write_stk
from lithiscope.verification.file_builders.compound import compound_file
from lithiscope.verification.file_builders.hdf5 import write_cxi, write_mistral
from lithiscope.verification.file_builders.nexus import NEXUS_DIALECTS, write_dialect
from lithiscope.verification.file_builders.picture import Picture, picture
from lithiscope.verification.file_builders.sdf import write_sdf_by_hand
from lithiscope.verification.file_builders.tiff import write_tiff
from lithiscope.verification.file_builders.xradia import write_txrm, xradia_streams

__all__ = [
    "NEXUS_DIALECTS",
    "Picture",
    "compound_file",
    "picture",
    "write_cxi",
    "write_dialect",
    "write_mistral",
    "write_ncb",
    "write_sdf_by_hand",
    "write_stk",
    "write_tiff",
    "write_txrm",
    "xradia_streams",
]
