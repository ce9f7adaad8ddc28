"""The store and the journal on a real SQLite file, also killed, locked and forged."""
