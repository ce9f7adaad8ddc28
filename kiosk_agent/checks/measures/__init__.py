"""Pure measures of equipment: figures without verdicts, one idea a module, numpy and OpenCV only. Begin with
`light.py`, `sharpness.py`, `motion.py` (pictures), `loudness.py`, `hum.py` (sound), `sweep.py` (loudspeaker to
microphone) and `line.py`.
Which figure is good is decided in the core (`broker/session/parts/equipment.py`) by the policy."""
