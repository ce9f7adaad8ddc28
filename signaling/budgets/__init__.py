"""Budgets of callers who have a credential: what one author may ask for, and how much film is sent. Read `allowance`
and `plays` (pure), then `payers` and `charging` (each request is paid for before it is looked at) and `streams` (long
answers, and their end)."""
