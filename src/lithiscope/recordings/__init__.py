"""Files of microscopes, read into recordings and written from them; spectra and masks from text files.

One module or package a format (`sdf`, `nexus`, `xradia`, ...), found through the table in `readers`, which plug-ins
extend by the entry point group ``lithiscope.recordings``. Nothing here knows any chemistry.
"""

from lithiscope.recordings.copies import SeenPictures
from lithiscope.recordings.formats import FormatInfo, list_formats
from lithiscope.recordings.masks import read_mask
from lithiscope.recordings.nexus.write import write_nexus
from lithiscope.recordings.opening import open_optical_density, open_recording, open_regions
from lithiscope.recordings.readers import Reader, guess_format
from lithiscope.recordings.sdf.write import write_sdf
from lithiscope.recordings.series import Plan, join_scans, open_series, plan_series
from lithiscope.recordings.spectra import read_spectrum

__all__ = [
    "FormatInfo",
    "Plan",
    "Reader",
    "SeenPictures",
    "guess_format",
    "join_scans",
    "list_formats",
    "open_optical_density",
    "open_recording",
    "open_regions",
    "open_series",
    "plan_series",
    "read_mask",
    "read_spectrum",
    "write_nexus",
    "write_sdf",
]
