"""Second factors of officers, and the recovery codes. Read `checks` (what is asked for, and how often it may be guessed
at), then `totp` and `recovery`, which are pure, and `sealing`, which hides what is stored or handed out for a while."""
