"""Packages in the running service: `worker` has approved ones built, one at a time, and removes them when they
expire."""
