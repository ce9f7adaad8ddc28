"""What each kind of viewer is shown of a session, a recording or the service: the models of `api/messages` filled from
the core. Begin at `session`; `moment` has what all views of a session are made from, `texts` the words of every
code."""
