"""The journal: who did what, when, to which session; append-only and hash-chained."""
