"""The firmware of the hand tool, for MicroPython boards."""
