"""What purges need on the command line and over HTTP alike, and the purge that the service carries out. Begin with
`purge_context`."""
