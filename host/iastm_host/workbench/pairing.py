"""Gets a tool's key: from a tool on a cable at once, over Bluetooth after a press on its button."""

from __future__ import annotations

from collections.abc import Callable

from iastm_host.events import Answer, Command, Event, GetKey, KeyReport, Problem, RenewKey, ToolDescription
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.transports.base import IASTM, Clock, Transport

ASK_EVERY_US = 1_000_000
PATIENCE_US = 60_000_000
_CURE = "End the session that runs with it, or connect it by cable and give --port; then retry."
_OVER = (states.REFUSED, states.LOST, states.ENDED)


async def fetch_key(
    transport: Transport, software: str, clock: Clock, tell: Callable[[str], None], *, renew: bool = False
) -> tuple[ToolDescription, bytes]:
    """Return who the tool is and its key, a new one with `renew`. `tell` is given what a person shall do.

    Raises Problem where the tool gives out no key.
    """
    await transport.find()
    await transport.open()
    try:
        if transport.dialect != IASTM:
            raise Problem(
                "This gauge speaks another language than the toolkit's own, and has no key.",
                "See its samples with iastm run; it needs no pairing.",
            )
        return await _ask(transport, software, clock, tell, RenewKey() if renew else GetKey())
    finally:
        await transport.close()


async def _ask(
    transport: Transport, software: str, clock: Clock, tell: Callable[[str], None], command: Command
) -> tuple[ToolDescription, bytes]:
    # A tool gives out its key only while it does not stream.
    client = ToolClient(software, stream=False)
    client.opening()
    client.opened(transport.mtu)
    asking = _Asking(client, command, tell)
    end_us = clock() + PATIENCE_US
    while clock() < end_us:
        for event in client.receive(await transport.read()):
            asking.hear(event)
        if asking.given and client.tool is not None:
            return client.tool, asking.key
        if transport.pairing_refused:
            raise Problem(transport.pairing_refused, "Then run this again.")
        if client.state in _OVER:
            raise Problem(f"No tool to pair with: {client.reason}", "Switch it off and on, then retry.")
        asking.ask(clock())
        for data in client.to_send():
            await transport.write(data)
        for data in client.to_send_privileged():
            await transport.write(data, privileged=True)
    what = (
        "The tool's button was not pressed within a minute." if asking.told else "The tool gave no key within a minute."
    )
    raise Problem(what, "Run this again, and press the button when it asks for it.")


class _Asking:
    """Asks for the key once a second until it is `given`; `told`: a person was asked to press the button."""

    def __init__(self, client: ToolClient, command: Command, tell: Callable[[str], None]) -> None:
        self.given = False
        self.told = False
        self.key = b""
        self._client = client
        self._command = command
        self._tell = tell
        self._asked: int | None = None
        self._ask_us = 0

    def ask(self, now_us: int) -> None:
        """Ask where the tool is ready and nobody waits for an answer."""
        if self._asked is None and self._client.state == states.STREAMING and now_us >= self._ask_us:
            self._asked = self._client.request(self._command)
            self._ask_us = now_us + ASK_EVERY_US

    def hear(self, event: Event) -> None:
        """Take what the tool says; raises Problem where it refuses for good."""
        if isinstance(event, KeyReport):
            self.key = event.key
        if not isinstance(event, Answer) or event.request_id != self._asked:
            return
        self._asked = None
        self.given = event.accepted and bool(self.key)
        # Where nothing was heard the system may be asking a person whether to pair.
        if event.accepted or event.needs == "time":
            return
        if event.needs != "press":
            raise Problem(f"The tool gives out no key: {event.reason.rstrip('.')}.", _CURE)
        if not self.told:
            self.told = True
            self._tell("Press the tool's button now, once. Waiting for a minute.")
