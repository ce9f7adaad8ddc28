"""Exports over HTTP: `routes` has the requests, their decision and the package, `messages` the models, `download` sends
a package by range."""
