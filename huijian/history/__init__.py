"""The history of visits on the command line: the search on a running server, and the rebuilding of its index."""
