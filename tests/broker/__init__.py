"""The pure core of the broker and its inter-process wire, told as sentences."""
