"""What the room's screen shows: the far picture, state, countdown and warnings."""
