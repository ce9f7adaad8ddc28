"""The command line as an operator or a script uses it."""
