"""The officer's screen of a terminal, behind a PIN: versions, tests, devices, volume, logs, restart.

Begin with `desk.py`, which carries out what officers order; `levels.py` says what is open when. `pin.py` and
`attempts.py` guard it; `view.py` is what the page draws, `report.py` makes it from the terminal's facts; `choices.py`
keeps what officers choose, `history.py` the last tests; `usb.py` finds media and `export.py` writes the logs onto
one."""
