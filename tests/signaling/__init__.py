"""Signaling, asked from outside: a real application, real store and journal, a broker of a few lines."""
