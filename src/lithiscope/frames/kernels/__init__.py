"""The inner numerical code of registration, resampling and correction, on bare arrays."""
