"""Figures of a self-test, as a terminal sends them: those of a good room, and one bad figure for each check."""

from typing import Any

GOOD: dict[str, float] = {
    "width": 640,
    "height": 360,
    "rate": 25.0,
    "luma": 110.0,
    "black": 0.02,
    "change": 1.4,
    "blur": 0.8,
    "backlight": 1.0,
    "level": -38.0,
    "noise": -62.0,
    "clipped": 0.0,
    "hum": -120.0,
    "sweep": 31.0,
    "delay": 120.0,
    "loudness": -30.0,
    "answer": 14.0,
    "loss_up": 0.0,
    "loss_down": 0.0,
    "jitter": 3.0,
    "round_trip": 12.0,
    "up": 1500.0,
    "down": 1500.0,
    "clock": -120.0,
    "disk": 9000.0,
    "temperature": 48.0,
}
BAD: dict[str, dict[str, float]] = {
    "camera": {"width": 0, "rate": 0.0},
    "black": {"luma": 16.5, "black": 1.0},
    "frozen": {"change": 0.0},
    "blurred": {"blur": 4.0},
    "backlit": {"backlight": 6.0},
    "microphone": {"level": -120.0},
    "clipped": {"clipped": 0.2},
    "hum": {"hum": -20.0},
    "speaker": {"sweep": 4.0},
    "network": {"answer": 9000.0},
    "line": {"loss_up": 0.1},
    "clock": {"clock": -90_000.0},
    "disk": {"disk": 20.0},
    "temperature": {"temperature": 99.0},
}


def self_test(**changed: float) -> dict[str, Any]:
    """Return the order `self_test` of a good room, with some figures changed."""
    return {"figures": GOOD | changed}


def without(*names: str) -> dict[str, Any]:
    """Return the order of a room in which these figures cannot be measured."""
    return {"figures": {name: figure for name, figure in GOOD.items() if name not in names}}
