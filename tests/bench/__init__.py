"""What the relay costs, measured: `python -m tests.bench` drives the real worker process with a C load generator, and
Janus and plain aiortc with the same load in the same run."""
