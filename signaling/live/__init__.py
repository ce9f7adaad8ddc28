"""The server's end of the WebSocket `huijian.v1`. Read `socket` (one connection from sign-in to close), `reports` (page
reports and what terminals find), `client` (the sending half), `hub` (all clients, and the views that are sent to
them)."""
