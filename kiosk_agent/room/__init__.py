"""The room's page: what the browser of a terminal shows, and its way to the agent.

Read `screens.py` (what is shown when; pure), `messages.py` (all that page and agent say to each other), `page_link.py`
and `page_media.py` (the agent's end), `whip_proxy.py` (picture and sound to the server, with a credential that the page
never has), `server.py` (the loopback server), `chromium.py` and `policies.py` (the browser, kept alive and locked), and
`room.py`, which puts them together."""
