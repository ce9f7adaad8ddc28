"""Floods beside a live visit: for each class of attacker one row, and what it may cost those who do not attack.

Begin with `rows/`, the table. `flood.py` runs one row beside a visit and says what it cost, `run.py` many of them;
`stage.py` is the visit and the service under it; `service.py` measures the service's processes. `visit/` has the
processes of those who use the service, `attackers/` the programs of those who abuse it; each is a process of its own,
spoken to as `child.py` says.
"""
