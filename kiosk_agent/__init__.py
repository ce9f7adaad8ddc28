"""The program of one visiting room's terminal: it publishes the room's picture and sound into the session of its slot,
shows the far room, tests its own equipment and reconnects by itself after every interruption.

Begin with `agent.py`, the loop. `state/` decides, without I/O, what the terminal does when; `connection.py` is the
WebSocket, `media_sessions.py` runs publication, subscription and talkback; below them are `webrtc/` (WHIP and WHEP),
`media/` (sources and loudspeaker), `room/` (the page and its browser), `officer/` (the screen behind the PIN) and
`checks/` (self-test and monitoring); `settings.py` and `deploy/` are its settings and its installation."""
