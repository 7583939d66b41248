"""Commands: a file per group; wiring.py puts the rooms together."""
