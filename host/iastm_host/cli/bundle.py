"""`iastm bundle`: see the command's help."""

from __future__ import annotations

from iastm_host.events import Problem


def bundle() -> None:
    """Put everything for an offline bench into one file."""
    raise Problem("This command is not there yet.", "Wait for it.")
