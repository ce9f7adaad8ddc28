"""The state machine of a terminal, without sockets, devices or clocks. Begin with `terminal.py` (the transition table
and `step`); `events.py` defines facts and effects, `state.py` the state, `effects.py` what follows from it."""
