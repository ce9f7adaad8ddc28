"""How long a test waits, and what it allows a machine that is busy with other tests."""

PATIENCE = 90.0
"""Seconds that a test waits for something that has to happen: a guard against hanging, never a promise about speed. A
process that starts at the lowest priority on a busy machine has needed a quarter of them."""
BUSY = 0.5
"""Seconds by which a process's own moments may be late on a machine whose cores are busy. It is for times that the
product tells; what a test's own event loop measures is late without limit."""
FLIGHT = 0.1
"""Seconds from a relay's look at its clock to the kernel's stamp on the packet that it sends then."""
