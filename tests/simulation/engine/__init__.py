"""The machine that does not exist: time that jumps, processes that can be killed at any await, sockets, a disk and a
database with the semantics of real ones. Begin with `scheduler`."""
