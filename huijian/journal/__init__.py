"""The commands `huijian admin journal`: what is in the journal, whether it is whole, what is handed over and what goes.

Begin with `command`. `check` holds a journal against its checkpoints and `report` says the outcome in words; `removal`
is the rule of retention with two officers."""
