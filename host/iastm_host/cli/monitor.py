"""`iastm monitor`: see the command's help."""

from __future__ import annotations

from iastm_host.events import Problem


def monitor() -> None:
    """Show a tool's log and faults live."""
    raise Problem("This command is not there yet.", "Wait for it.")
