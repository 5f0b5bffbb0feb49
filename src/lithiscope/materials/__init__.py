"""Published parameter sets of battery materials: one file each, every number with its unit, source and validity."""
