"""The arithmetic of X-ray spectro-microscopy on bare arrays, energies first; every temporary fits a block of pixels."""
