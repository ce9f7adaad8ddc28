"""The commands `huijian purge` and `huijian hold`: what is due, what two officers let go, what is held back.

Begin with `purge` and `hold`, the commands. `purge_context` brings what they need of other parts: policies, a trusted
clock, the journal. `officer` checks the password, `purge_output` prints plans and outcomes."""
