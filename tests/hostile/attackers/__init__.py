"""The programs that attackers run. Each module has attacks: coroutines that prepare themselves and return their
workers, which `__main__.py` lets loose for some seconds. They speak to sockets directly, from many addresses of
loopback, in a closed loop or at a wanted rate, and count what they did. `target.py` is what they know."""
