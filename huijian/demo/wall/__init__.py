"""The demonstration wall: up to nine visits that go on until Ctrl-C, to look at the supervisors' page and to try it.
Begin with `command.py`; `places.py` names sites, rooms and people and enters them, `clips.py` makes pictures and sound
once for all of a visit, `rooms.py` and `officers.py` are the simulated terminals and supervisors, `visits.py` keeps the
visits going, and `trouble.py` makes them go wrong."""
