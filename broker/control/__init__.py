"""The control process without its HTTP: all sessions, what relay workers and recorder are asked, what they report.

Begin with `broker`, which puts the parts together, and `session_runner`, which owns one session. `effects` turns what
the core demands into commands for `relay_pool` and `recorder_client`; `relay_facts` and `recorder_facts` take what
comes back. `presence_tracker` decides which officers count, `persistence` and `timeline_events` write down what
happened."""
