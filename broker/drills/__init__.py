"""Drills (演练; Yunnan 12, 26(5)), pure: what one proves and when one is due. Begin with `result`, the steps of a
drill; `judgement` decides on each from what the journal and the drill's program tell; `day` knows which rooms are tried
today and which visit a failed drill marks. Slot and synthetic officers are in `broker.booking.drill`."""
