"""Drills over REST: `messages` are their bodies, `routes` their addresses."""
