"""Sessions and what is on record about them: `take_up` finds the sessions of an earlier process, `row_watch` reads what
commands and interfaces have written meanwhile. What follows is decided by `broker.session.take_up`."""
