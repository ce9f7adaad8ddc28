"""Files that turn a bare Debian into a terminal, and what writes them: `installation.py` says which file goes where,
`watchdog.py` tells systemd that agent and page are alive. The templates lie beside them."""
