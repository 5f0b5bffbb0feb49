"""NXstxm, the NeXus application definition for STXM, in HDF5."""
