"""Files of microscopes, read into recordings and written from them; spectra and masks from text files.

One package a format (`sdf`, `nexus`), found through the table in `readers`, which plug-ins extend by the entry point
group ``lithiscope.recordings``. Nothing here knows any chemistry.
"""

from lithiscope.recordings.opening import open_recording, open_regions
from lithiscope.recordings.readers import guess_format
from lithiscope.recordings.spectra import read_spectrum

__all__ = ["guess_format", "open_recording", "open_regions", "read_spectrum"]
