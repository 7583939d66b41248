"""What a release image freezes: all of manifest.py, and what starts it when the board gets power."""

# Both are given by MicroPython's reader of manifests.
include("manifest.py")  # type: ignore[name-defined]  # noqa: F821
module("main.py")  # type: ignore[name-defined]  # noqa: F821
