"""The life of one session (会见), pure. Begin with `events` (what can happen, what must be done about it), then
`transitions` (the table, and `step`); each other module is one subject of the session with its own facts."""
