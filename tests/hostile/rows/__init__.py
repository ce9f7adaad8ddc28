"""The table of attacks, `table.py`: rows (`row.py`) by class of peer. A new class of attack is a new row."""
