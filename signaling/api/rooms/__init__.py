"""Rooms over REST: the history of the tests of their equipment."""
