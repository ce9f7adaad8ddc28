"""The command line, and the composition root: only here are all packages put together. Begin with `main.py` (the
commands) and `serve.py` (the processes of a server); `control.py` composes the control process, `kiosk.py` the
terminal's program."""
