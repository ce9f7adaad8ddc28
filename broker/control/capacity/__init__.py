"""What a session costs a relay worker of this machine, by which the pool admits. Begin with `session_cost`, which is
pure: a number that is measured at the start and learned while sessions flow. `machine_cost` keeps what was measured at
the first start, and has it measured by a process of its own. `line_tests` are what terminals may do beside visits."""
