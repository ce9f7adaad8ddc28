"""The journal records each act with its author, time and session; it is append-only and hash-chained.

Begin with `entry` (what an entry is and in which bytes it is hashed); `journal` writes, `reader` reads and verifies."""
