"""`iastm new-board`: see the command's help."""

from __future__ import annotations

from iastm_host.events import Problem


def new_board() -> None:
    """Write a board file to fill in, and its test."""
    raise Problem("This command is not there yet.", "Wait for it.")
