"""Gets a tool's key: from a tool on a cable at once, over Bluetooth after a press on its button."""

from __future__ import annotations

from collections.abc import Callable

from iastm_host.events import Answer, Command, GetKey, KeyReport, Problem, RenewKey, ToolDescription
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.transports.base import IASTM, Clock, Transport

ASK_EVERY_US = 1_000_000
PATIENCE_US = 60_000_000
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
    end_us = clock() + PATIENCE_US
    asked: int | None = None
    ask_us = 0
    key = b""
    told = False
    while clock() < end_us:
        for event in client.receive(await transport.read()):
            if isinstance(event, KeyReport):
                key = event.key
            elif isinstance(event, Answer) and event.request_id == asked:
                asked = None
                if event.accepted and key and client.tool is not None:
                    return client.tool, key
                if not event.accepted and event.needs != "press":
                    raise Problem(f"The tool gives out no key: {event.reason}.", _cure(event))
                if not told:
                    told = True
                    tell("Press the tool's button now, once. Waiting for a minute.")
        if client.state in _OVER:
            raise Problem(f"No tool to pair with: {client.reason}", "Switch it off and on, then retry.")
        if asked is None and client.state == states.STREAMING and clock() >= ask_us:
            asked = client.request(command)
            ask_us = clock() + ASK_EVERY_US
        for data in client.to_send():
            await transport.write(data)
        for data in client.to_send_privileged():
            await transport.write(data, privileged=True)
    raise Problem(
        "The tool's button was not pressed within a minute." if told else "The tool did not answer within a minute.",
        "Run this again, and press the button when it asks for it.",
    )


def _cure(answer: Answer) -> str:
    if "stream" in answer.reason or "session" in answer.reason:
        return "End the session that runs with it, then retry."
    return "Connect it by cable and give --port, or update its firmware."
