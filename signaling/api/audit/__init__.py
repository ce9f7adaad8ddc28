"""The auditors' interface: the history of visits and one visit in full (`visits.py`), marks, the re-listen duty, and
the verification of recordings; models in `messages/`."""
