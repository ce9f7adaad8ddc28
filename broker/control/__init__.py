"""The storage and asyncio shell around the pure broker: runner, relays, recorders, store, journal."""
