"""Tests of the kiosk agent's room."""
