"""The specification of the first relay: pure parts first, then a real worker process with real peers."""
