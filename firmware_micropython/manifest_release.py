"""What a release image freezes: all of manifest.py, and main.py, the selector, which starts that or a release."""

# Both are given by MicroPython's reader of manifests.
include("manifest.py")  # type: ignore[name-defined]  # noqa: F821
module("main.py")  # type: ignore[name-defined]  # noqa: F821
