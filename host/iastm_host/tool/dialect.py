"""What a connected gauge is to the program, whatever language it speaks: a machine of bytes and times, no I/O.

Time comes from chunks alone, so that a recording drives a fresh dialect through the very steps of the live one.
"""

from __future__ import annotations

from typing import Protocol

from iastm_host.events import Chunk, Command, Event, ToolDescription


class Dialect(Protocol):
    """One gauge over one link after the other; `state` and `reason` are those of states.py.

    `hopeless`: another try mends nothing, as with a tool of another major version. What a gauge can't do it answers
    with nothing: no backfill, no acknowledgement.
    """

    state: str
    reason: str
    tool: ToolDescription | None
    hopeless: bool

    def seeking(self) -> list[Event]:
        """Tell that the gauge is looked for, before its first link."""

    def opening(self) -> list[Event]:
        """Tell that the link is being opened, for the first time or again."""

    def opened(self, mtu: int | None = None) -> list[Event]:
        """Tell that the link is open; the next chunk starts the greeting. `mtu` is the transport's."""

    def broken(self, reason: str) -> list[Event]:
        """Tell that the link is gone, and why."""

    def finished(self) -> list[Event]:
        """Tell that the link was closed on purpose or its replay ended."""

    def receive(self, chunk: Chunk) -> list[Event]:
        """Take one chunk; return what it says, in order."""

    def request(self, command: Command) -> int:
        """Send `command`; return the id under which its Answer will come. Raises Problem."""

    def fetch(self, first_index: int, samples: int) -> None:
        """Ask for samples once more."""

    def acknowledge(self, next_index: int, *, fetching: bool = False) -> None:
        """Tell the gauge that all before `next_index` is here or lost for good."""

    def take_over(self, other: Dialect) -> None:
        """Wait for the answers that `other`, an earlier one of the same gauge, still waits for."""

    def stop_stream(self) -> None:
        """Ask the gauge to stop streaming; nobody waits for the answer."""

    def to_send(self) -> list[bytes]:
        """Return the messages to send, one after the other."""

    def to_send_privileged(self) -> list[bytes]:
        """Return what must go by the link's encrypted way."""
