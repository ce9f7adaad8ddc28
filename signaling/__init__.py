"""The signaling room: the front door. REST, WHIP and WHEP, the WebSocket and the pages; it decides who is asking and
translates, while every decision about a visit is the broker's."""
