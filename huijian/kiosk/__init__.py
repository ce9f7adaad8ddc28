"""`huijian kiosk`: the terminal of one visiting room on the command line. `app.py` has the options and the list of
commands, `run.py` starts the terminal, `enrolment.py` gives it its identity, `configuration.py` reads and checks its
`kiosk.toml`, `officer_pin.py` sets the PIN of the officer's screen, `install.py`
makes a machine a terminal."""
