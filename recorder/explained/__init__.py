"""Recordings explained: what happened when (`spans.py`), and of each stretch in which something is missing, why it is
and what crossed meanwhile (`explain.py`), in the words that the player, the timeline and the printed sheet share
(`words.py`). Pure; begin with `explain.py`."""
