"""REST under /api/v1, one file a subject; each has a `table` of its addresses."""
