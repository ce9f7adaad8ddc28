"""Duty of officers beside single visits: `handovers.py`, by which one relieves another."""
