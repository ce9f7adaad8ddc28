"""The measurement of what forwarding costs on this machine: `python -m broker.relay.calibration` runs it for a second
and prints what a session costs, in cores. Begin with `forwarding`."""
