"""Authority over accounts and slots; pure. Begin with `persons`: when two accounts count as two persons, and which
changes of accounts need a second officer's word. `slot_acts` is the table of who may do what with a slot."""
