"""Drills in the store: `results` has each drill with its signed result, `officers` the credentials of synthetic
officers while their drill runs."""
