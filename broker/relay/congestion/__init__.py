"""What lines carry, and what follows: estimates, limits for publishers, adaptation for subscribers, and the proof that
a subscriber really receives."""
