"""Drills in the running service. Begin with `conductor`, which makes one after another; `morning` begins those of the
day and marks visits whose rooms have failed. What is outside of the control process, the program of the synthetic
officers, the verifier and the key, is given to them as `tools`."""
