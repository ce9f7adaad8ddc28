"""Policy packs against the two regulations, and the settings."""
