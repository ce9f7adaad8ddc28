"""What the terminal finds out about its own equipment, picture and sound: `self_test.py` before a visit, `monitor.py`
during it."""
