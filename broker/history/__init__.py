"""The history of visits as auditors search it: what is said of each visit (`visit.py`), read from its journal
(`acts.py`), under which words it is found (`facets.py`, `folding.py`). Pure; begin with `visit.py`."""
