"""The purge by two officers over HTTP: look, permit, apply. Begin with `routes`."""
