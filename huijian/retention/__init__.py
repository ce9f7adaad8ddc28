"""The commands `huijian purge` and `huijian hold`: what is due, what two officers let go, what is held back.

Begin with `purge` and `hold`, the commands. `officer` checks the password, `purge_output` prints plans and outcomes.
What a purge needs of other parts (policies, a clock, the journal) is in `signaling/retention/purge_context.py`."""
