"""What a release image freezes: all of manifest.py, and what starts it when the board gets power."""

include("manifest.py")  # noqa: F821 (given by MicroPython's manifest reader)
module("main.py")  # noqa: F821
