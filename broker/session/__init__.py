"""The life of one session (会见), pure. Begin with `events` (what can happen) and `effects` (what must be done about
it), then `state` (the session and its `parts`), `transitions` (`step`, the table of facts), `refusals` (the law) and
`moves` (the table of states). `snapshot` is its JSON; `pairing` says which terminal may connect."""
