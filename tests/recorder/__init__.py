"""Tests of the recorder, from single packets to a process that is killed."""
