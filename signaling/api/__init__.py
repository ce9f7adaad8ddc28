"""REST under /api/v1, one module a subject, each with a `table` of its routes. Begin at `orders`, the table of what
officers and terminals may ask of a session; its models, and those of all other bodies and messages, are in
`messages`."""
