"""The rules by which sessions run: the pack in force at a site, and the one that a session keeps from its opening on;
the time that they go by; announcements, and what follows a visit that did not take place. Begin with
`session_rules.py`."""
