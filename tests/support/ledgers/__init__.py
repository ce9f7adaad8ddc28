"""Ledgers of tests: a head, entries, and what is read from the files that were made."""
