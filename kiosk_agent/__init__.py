"""The terminal of one visiting room: it publishes the room's picture and sound to the session its slot has opened,
shows the far side, tests its own equipment and comes back by itself after every break. What it may do when is a pure
table (`terminal.py`); the rest is hands: sources, the WHIP/WHEP peer, the viewer, the display and the agent that ties
them. Only `aiortc_edge.py` knows the insides of aiortc and aioice."""
