"""`iastm doctor`: see the command's help."""

from __future__ import annotations

from iastm_host.events import Problem


def doctor() -> None:
    """Look for what would keep the main job from working here."""
    raise Problem("This command is not there yet.", "Wait for it.")
