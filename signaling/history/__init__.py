"""The keeping of the visits' history in the control process: where it is read from (`sources.py`), when it is written
(`keeper.py`), what is heard again (`relisten.py`). Begin with `keeper.py`."""
