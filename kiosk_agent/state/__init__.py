"""The terminal's life, pure: what can happen, what it knows, and what it orders."""
