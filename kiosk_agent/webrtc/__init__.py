"""WHIP and WHEP by aiortc. `peer.py` is one resource, `receiver.py` a subscription that decodes and counts;
`aiortc_adapter.py` alone uses the internals of aiortc and aioice."""
