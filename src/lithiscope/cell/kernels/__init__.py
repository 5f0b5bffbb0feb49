"""The inner numerical code of the cell's trace, on bare arrays."""
