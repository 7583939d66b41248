"""The only conditional imports of the shared source."""

try:
    from micropython import const
except ImportError:

    def const(value):
        """Return `value`: MicroPython's compiler folds it, CPython needs nothing."""
        return value


try:
    from typing import TYPE_CHECKING
except ImportError:
    TYPE_CHECKING = False  # type: ignore[misc]

__all__ = ["TYPE_CHECKING", "const"]
