"""The HTTP and WebSocket interface of the control process. It identifies callers, checks their role and site, and
translates requests into facts for the broker; every decision about a visit is made in the core. Read `server` (the
application and its table of routes), `auth`, `api` (REST and the table of orders), `live` (WebSocket), `media` (WHIP
and WHEP), `views` (what each viewer is shown), `web` (the pages). Begin at `server/app.py`."""
