"""What each kind of viewer is shown of a session, a recording or the service: the models of `api` filled from the
core."""
