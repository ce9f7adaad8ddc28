"""The broker decides who may meet, when, and for how long; its top files are pure and the rooms below do the I/O."""
