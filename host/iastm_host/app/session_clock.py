"""Time of a session in one piece: on the tool's clock, and over a restart of the tool by the host's."""

from __future__ import annotations

from iastm_host.events import ForceBlock, Gap


class SessionClock:
    """Seconds since a session's first sample. Of each boot the first block that was not fetched sets its clock."""

    def __init__(self) -> None:
        self.start_us = 0
        self._boot_id: int | None = None
        self._arrived_us = 0
        self._live: ForceBlock | None = None

    @property
    def began(self) -> bool:
        """Whether there was a sample."""
        return self._boot_id is not None

    def hear(self, block: ForceBlock) -> None:
        """Take a block as it arrives."""
        if not block.backfilled and (self._live is None or self._live.boot_id != block.boot_id):
            self._live = block

    def reach(self, item: ForceBlock | Gap) -> bool:
        """Take what comes next in index order; return whether the tool's clock began anew with it."""
        live = self._live
        if self._boot_id is None:
            if isinstance(item, ForceBlock):
                self.start_us, self._boot_id, self._arrived_us = item.tool_us, item.boot_id, item.arrived_us
            return False
        if live is None or not item.boot_id == live.boot_id != self._boot_id:
            return False
        self.start_us, self._boot_id = live.tool_us - (live.arrived_us - self._arrived_us), live.boot_id
        return True

    def time_s(self, tool_us: int) -> float:
        """Return the seconds of a tool time of the boot that was reached, 0 before the first sample."""
        return (tool_us - self.start_us) / 1e6 if self.began else 0.0
