"""Tests of the command line as an operator or a script uses it."""
