"""Benchmarks of the relay: `python -m tests.bench` drives the real worker process with a C load generator, and Janus
and plain aiortc with the same load in the same run.

Begin with `__main__`, then `measure`. A `system` under test is the `relay`, `janus` or `plain` aiortc; the load comes
from `generator`, `client` and `media`. `soak`, `muxing`, `archive`, `kills` and `dying` measure other things."""
