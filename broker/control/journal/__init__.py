"""The journal records each act with its author, time and session; it is append-only and hash-chained.

Begin with `entry` (what an entry is and in which bytes it is hashed). `journal` writes: what the system does by itself
is never dropped, and waits in a queue of its own; what people ask for waits in `requests`, bounded by author, and
refusals of clients without a credential are only counted; `spill` keeps what a silent database does not take.
`reader` reads. `checkpointer` has the head of the chain signed and kept elsewhere, `comparison` holds a journal against
such checkpoints."""
