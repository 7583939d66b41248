"""The only conditional imports of the shared source."""

try:
    import micropython
    from micropython import const
except ImportError:

    def const(value):
        """Return `value`: MicroPython's compiler folds it, CPython needs nothing."""
        return value

    class micropython:  # type: ignore[no-redef]  # noqa: N801 (the module's name)
        """What MicroPython's compiler takes as words, CPython leaves the function as it is.

        What machine code costs and saves, and which constants it may hold, stands in docs/firmware.md.
        """

        @staticmethod
        def native(function):
            """Return `function`: MicroPython makes machine code of it that does what its byte code would."""
            return function

        @staticmethod
        def viper(function):
            """Return `function`: MicroPython makes machine code of it, in which integers have the machine's width."""
            return function


try:
    from typing import TYPE_CHECKING
except ImportError:
    TYPE_CHECKING = False  # type: ignore[misc]


def ptr8(buffer):
    """Return `buffer`: within viper code MicroPython's compiler reads and writes its bytes in place, unchecked."""
    return buffer


__all__ = ["TYPE_CHECKING", "const", "micropython", "ptr8"]
