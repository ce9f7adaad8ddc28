"""The command line, and the only place where all rooms are put together (composition root)."""
