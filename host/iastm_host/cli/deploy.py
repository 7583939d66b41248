"""`iastm deploy`: see the command's help."""

from __future__ import annotations

from iastm_host.events import Problem


def deploy() -> None:
    """Bring the firmware alone to a board."""
    raise Problem("This command is not there yet.", "Wait for it.")
