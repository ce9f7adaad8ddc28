"""The lines of a log: what may stand in them, `redaction` and `records`, and how many of them are written, `rate`.
`config/logs.py` puts the three together for every process."""
