"""What a view may ask of a running session."""

from __future__ import annotations

from typing import Protocol

from iastm_host.app.snapshot import LiveSnapshot


class Session(Protocol):
    """One run with one tool, live or replayed; every method returns at once and may be called from any thread."""

    def now_us(self) -> int:
        """Return the host time that snapshots are stamped with."""

    def snapshot(self) -> LiveSnapshot:
        """Return the live state."""

    def zero(self) -> None:
        """Ask for a new zero; how it goes stands in the snapshot's `zero`. Over 1 N it takes a second call."""

    def undo_zero(self) -> None:
        """Ask for the zero before the present one."""

    def add_marker(self) -> None:
        """Mark the newest sample in the recording."""

    def set_paused(self, paused: bool) -> None:
        """Let strokes and dose count no more, or go on; alerts are decided and all is recorded. Not in a replay."""

    def next_region(self) -> None:
        """Go to the next region: the recording notes it, and the tool's dose is 0 again. Not in a replay."""

    def silence_tool(self, silent: bool) -> None:
        """Let the tool's buzzer and motor be still for what it alerts of now, for a minute at most, or no longer.

        Nothing happens where the tool can't; where it does not let this host, that is among the notes. Not in a replay.
        """

    def start_recording(self) -> None:
        """Start a recording where none runs."""

    def stop(self) -> None:
        """End the run; the snapshot's `finished` turns true when all is closed and written."""
