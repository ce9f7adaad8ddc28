"""Generated picture and sound that carry an identity, and the detectors that read it back: `frame_code.py` in pictures,
`voice.py` and `voice_detector.py` in sound. `sources.py` makes a room of them."""
