"""Visits of the history for tests and measurements, drawn from their number alone."""
