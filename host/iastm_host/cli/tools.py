"""`iastm tools`: see the command's help."""

from __future__ import annotations

from iastm_host.events import Problem


def tools() -> None:
    """Show the tools that this computer knows, in a window."""
    raise Problem("This command is not there yet.", "Wait for it.")
