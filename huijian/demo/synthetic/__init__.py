"""Picture and sound that carry an identity: frame codes, a test tone, and what finds them again."""
