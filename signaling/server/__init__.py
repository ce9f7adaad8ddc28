"""The HTTP server of signaling. Read `app` (the application), `routes` (the table of routes and how a row is served),
`context` (what handlers share), `errors` (problem documents), then `openapi`, `pages`, `ranges` and
`client_address`."""
