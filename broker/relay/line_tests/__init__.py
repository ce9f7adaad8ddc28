"""Tests of a terminal's line through this worker: a loop beside all visits, which nothing crosses. Begin with
`loop.py`."""
