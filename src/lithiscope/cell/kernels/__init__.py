"""The inner numerical code of the trace's analysis, on bare arrays."""
