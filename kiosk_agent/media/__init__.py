"""Picture and sound of the room: camera, microphone and files as sources, mixer and loudspeaker, talkback. Begin with
`source.py` (what all sources share) and `sources.py` (which source a text names)."""
