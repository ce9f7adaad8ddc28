"""The ledger of a site on the command line: made by `command.py`, checked by `check.py`."""
