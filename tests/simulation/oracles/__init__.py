"""The judges of a finished story. They read what truly happened and what is truly on disk, and share no code with the
product."""
