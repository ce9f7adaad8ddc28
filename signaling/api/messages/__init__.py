"""The models of the REST and WebSocket interfaces: strict, with limits, and free of HTTP and of the broker's runners,
so that a kiosk may load them. Read `fields` (the small types), `orders` (what is asked of a session, one class an
order), `session_view` (what a session looks like), then `socket`; the other modules have the REST bodies of one subject
each."""
