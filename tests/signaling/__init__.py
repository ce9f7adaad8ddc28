"""The front door, asked from outside: real application, real store and journal, a broker of a few lines."""
