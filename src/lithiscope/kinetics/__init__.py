"""How fast: insertion rates, currents, exchange currents, domains, uniformity, channels, regime."""
