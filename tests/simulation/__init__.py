"""A deterministic simulation: control process, relay worker, recorder, store and clocks in one Python process, on
simulated time, network and disk. One seed makes one schedule of faults, and the same story each time.

Read `engine/` (time, processes, network, disk, database), then `world/` (the real parts, started on the engine, and the
people around them), `faults.py`, and `oracles/`, which judge the story and import nothing of what they judge."""
