"""A test of one link: a tool is greeted, read and asked for a while, its loss fetched, and nothing on it changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from iastm_host.events import (
    Chunk,
    ClockOffset,
    Event,
    ForceBlock,
    Gap,
    LinkChanged,
    Problem,
    StatusReport,
    ToolDescription,
)
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.tool.in_order import InOrder
from iastm_host.tool.retry import Retry
from iastm_host.transports.base import ENDED, IASTM, LOST, NOT_FOUND, Clock, Transport, TransportError
from iastm_host.workbench.link_figures import LinkFigures, LinkMeter

log = logging.getLogger(__name__)

PING_EVERY_US = 100_000
FETCH_AT_END_US = 10_000_000
# After its time a test waits so long for one more batch: the one that shows whether something is missing before it.
LAST_BATCH_WITHIN_US = 1_000_000
PATIENCE_S = 10.0
# A port that is away for longer was pulled: a tool that restarts has it back by then.
GONE_AFTER_S = 2.5
_GREETING = (states.GREETING, states.SYNCHRONISING)
_OVER = (states.REFUSED, states.LOST, states.ENDED)


class LinkTest:
    """The test without its I/O: chunks in, figures out. `client` is fresh, and has no limits to set.

    The time measured begins with the stream and ends with the first batch `duration_s` later, so that whatever was
    lost before shows. `tool` is None until it said hello, `told` the newest of each kind of event since.
    """

    def __init__(self, client: ToolClient, duration_s: float) -> None:
        self.client = client
        self.tool: ToolDescription | None = None
        self.told: dict[type, Event] = {}
        self._duration_us = round(duration_s * 1e6)
        self._meter: LinkMeter | None = None
        self._in_order = InOrder()
        self._now_us = 0
        self._broken_us: int | None = None
        self._streamed = False
        self._ping_due_us = 0

    @property
    def began(self) -> bool:
        """Whether the tool streamed at least once."""
        return self._meter is not None

    @property
    def away(self) -> bool:
        """Whether the link broke and is not back."""
        return self._broken_us is not None

    @property
    def over(self) -> bool:
        """Whether all is measured, and what was lost is fetched or its time is up."""
        meter = self._meter
        if meter is None or meter.closed_us is None:
            return False
        return not self._waits_for(meter) or self._now_us >= meter.closed_us + FETCH_AT_END_US

    def opened(self, mtu: int | None) -> None:
        """Tell that the link is open, for the first time or again."""
        self._broken_us = None
        _log_changes([*self.client.opening(), *self.client.opened(mtu)])

    def receive(self, chunk: Chunk) -> None:
        """Take what came; what is to be sent is with the client."""
        client = self.client
        self._now_us = chunk.host_us
        was_live = client.state == states.STREAMING
        damaged, malformed, unanswered = client.decoder.damaged, client.malformed, client.pings_unanswered
        newest = 0
        events = client.receive(chunk)
        _log_changes(events)
        for event in events:
            self._remember(event)
            if isinstance(event, LinkChanged) and event.state == states.STREAMING:
                self._live()
            elif isinstance(event, ToolDescription):
                self.tool = event
                self._in_order.meet(event)
            elif isinstance(event, ForceBlock):
                newest += not event.backfilled
                self._arrive(event)
            elif isinstance(event, Gap):
                self._order(event)
            elif isinstance(event, ClockOffset):
                self._travel()
            elif isinstance(event, StatusReport):
                self._learn(event)
        meter = self._meter
        if meter is not None and was_live and meter.closed_us is None:
            meter.damaged_frames += client.decoder.damaged - damaged
            meter.unreadable_frames += client.malformed - malformed
            meter.pings_unanswered += client.pings_unanswered - unanswered
        for item in self._in_order.mend(client, chunk.host_us):
            self._tell(item)
        if client.state != states.STREAMING:
            return
        self._ask()
        if meter is not None:
            self._close_if_due(meter, newest)

    def _remember(self, event: Event) -> None:
        if isinstance(event, ToolDescription):
            self.told.clear()
        self.told[type(event)] = event

    def broken(self, now_us: int, reason: str) -> None:
        """Tell that the link is gone, or still is."""
        self._now_us = now_us
        if self._broken_us is None:
            self._broken_us = now_us
        _log_changes(self.client.broken(reason))

    def gone_at(self, now_us: int) -> bool:
        """Return whether what is not found now has been away for so long that nobody waits for it."""
        return self._broken_us is not None and now_us - self._broken_us >= GONE_AFTER_S * 1e6

    def end(self, now_us: int, why: str = "", *, gone: bool = False) -> None:
        """End the test: what is still missing is lost. `why` is empty where its time or a person ended it.

        Of what is `gone` that time counts until the link broke: whoever waited for it measured nothing.
        """
        self._now_us = now_us
        meter = self._meter
        if meter is None:
            return
        if meter.closed_us is None:
            meter.ended_early, meter.gone, meter.stopped = why, gone, not why
            meter.close(self._broken_us if gone and self._broken_us is not None else now_us)
        for item in self._in_order.give_up(self.client):
            self._tell(item)

    def figures(self) -> LinkFigures:
        """Return what came of it, once it ended."""
        assert self._meter is not None and self.tool is not None
        return self._meter.figures(self.tool.rate_hz, backfills=self.tool.backfills)

    def _live(self) -> None:
        if self._meter is None:
            self._meter = LinkMeter(self._now_us)
        elif self._streamed and self._meter.closed_us is None:
            self._meter.reconnects += 1
        self._streamed = True

    def _arrive(self, block: ForceBlock) -> None:
        if self._meter is None:
            # The answer that says that the stream began may have been lost.
            self._meter = LinkMeter(self._now_us)
        self._meter.arrived(block)
        self._order(block)

    def _order(self, item: ForceBlock | Gap) -> None:
        for told in self._in_order.add(item):
            self._tell(told)

    def _tell(self, item: ForceBlock | Gap) -> None:
        if self._meter is not None and isinstance(item, Gap):
            self._meter.lost(item)

    def _travel(self) -> None:
        trip = self.client.clock.newest
        if self._meter is not None and self.tool is not None and trip is not None:
            self._meter.trip(self.tool.boot_id, trip)

    def _learn(self, status: StatusReport) -> None:
        if self._meter is not None and self.tool is not None:
            self._meter.status(self.tool.boot_id, status)

    def _ask(self) -> None:
        if self._now_us >= self._ping_due_us:
            self._ping_due_us = self._now_us + PING_EVERY_US
            self.client.ping()

    def _close_if_due(self, meter: LinkMeter, newest: int) -> None:
        late_us = self._now_us - meter.started_us - self._duration_us
        if late_us >= LAST_BATCH_WITHIN_US or (newest and late_us >= 0):
            meter.close(self._now_us)

    def _waits_for(self, meter: LinkMeter) -> bool:
        hole = self._in_order.hole
        return hole is not None and hole[0] < meter.end_index


def _log_changes(events: Sequence[Event]) -> None:
    for event in events:
        if isinstance(event, LinkChanged):
            log.info("link %s: %s", event.state, event.reason)


async def run_link_test(
    transport: Transport,
    test: LinkTest,
    clock: Clock,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Run `test` over `transport` to its end. A link that is lost is tried again for ten seconds in a row, a port that
    is not there any more for three.

    Raises Problem where no stream ever came: at once, unless a link broke amid its greeting. Cancelled, it ends the
    test with what was measured.
    """
    retry = Retry(PATIENCE_S)
    broke = False
    try:
        while True:
            try:
                await transport.open()
                _check_language(transport)
                test.opened(transport.mtu)
                await _hear(transport, test, retry)
                return
            except TransportError as error:
                broke = broke or test.began or (error.reason == LOST and test.client.state in _GREETING)
                if not broke:
                    raise
                test.broken(clock(), error.what)
                wait_s = retry.wait_s(clock())
                gone = test.began and error.reason == NOT_FOUND and test.gone_at(clock())
                if wait_s is None or gone or error.reason == ENDED:
                    if not test.began:
                        raise
                    test.end(clock(), error.what, gone=gone)
                    return
                await transport.close()
                await sleep(wait_s)
    finally:
        test.end(clock())
        await transport.close()


def _check_language(transport: Transport) -> None:
    if transport.dialect != IASTM:
        raise Problem(
            "This gauge speaks another language than the toolkit's own, and has no answers for a link test.",
            "Look at its samples with iastm run.",
        )


async def _hear(transport: Transport, test: LinkTest, retry: Retry) -> None:
    client = test.client
    try:
        while not test.over:
            test.receive(await transport.read())
            await _send(transport, client)
            if client.state in _OVER:
                raise _unreachable(client)
            if client.state == states.STREAMING:
                retry.restart()
    finally:
        client.stop_stream()
        with contextlib.suppress(TransportError):
            await _send(transport, client)


async def _send(transport: Transport, client: ToolClient) -> None:
    for data in client.to_send():
        await transport.write(data)


def _unreachable(client: ToolClient) -> TransportError:
    return TransportError(
        LOST,
        f"The link can't be tested, because no tool streams there: {client.reason}",
        "Check that you chose the right port or tool and that its firmware runs; switch it off and on, then retry.",
    )
