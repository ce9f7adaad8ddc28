"""The screen of the room: far picture, status line, countdown, warnings. Begin with `display.py`."""
