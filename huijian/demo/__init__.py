"""The demonstration: one whole visit on this machine, with simulated officers and generated media. Begin with
`demo.py`; `setup.py` fills the store, `officers.py` and `presence.py` are the officers, `story.py` follows the visit
and `visit_report.py` judges it. `synthetic/` makes and recognises the generated media, also for tests."""
