"""Settings of how officers sign in, as one section of the settings file (`sign_in.py`)."""
