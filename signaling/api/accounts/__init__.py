"""Accounts over HTTP: `changes` has those that wait for a second officer's word, and the own password."""
