"""The recorder: one process that receives every packet of every session from the relay workers and makes recordings
of them. It never imports `broker.relay` or `broker.control`; it is told what to do over a socket.

Begin with `process`, which puts everything together, then `sessions` and `recording`. The folders follow a packet:
`pipeline` (tap record to samples), `mp4` (samples to a file), `archive` (finished parts to a recording), `evidence`
(what proves it), `viewcopy` (the copy for browsers), `retention` (how long it is kept, and how it is deleted).

The event loop never waits for a disk: `pipeline`, `mp4`, `evidence` and most of `archive` block and run in threads."""
