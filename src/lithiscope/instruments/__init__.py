"""Virtual instruments: from a known composition to what a microscope would have recorded.

Nothing here shares code with the analysis. `stxm` is a scanning transmission X-ray microscope.
"""
