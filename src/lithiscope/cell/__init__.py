"""The potentiostat's trace: readers, half cycles, C-rate, dQ/dV, ohmic drop, equilibrium voltage, clock."""
