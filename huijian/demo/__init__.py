"""The demonstration: one whole visit on this machine, with simulated officers and synthetic media."""
