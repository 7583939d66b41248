"""`iastm flash`: see the command's help."""

from __future__ import annotations

from iastm_host.events import Problem


def flash() -> None:
    """Write MicroPython and the firmware to a board."""
    raise Problem("This command is not there yet.", "Wait for it.")
