"""Drills outside of the control process: `tools` is what control is given, `program` plays the synthetic officers in a
process of its own, and `command` is `huijian drill`."""
