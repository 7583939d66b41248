"""Two hosts at one tool: each gets every sample, one is in control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iastm_firmware.carrier import of_stream
from iastm_firmware.link import Link
from iastm_protocol import kinds, messages
from iastm_protocol.frames import Decoder, encode

_LIMITS = messages.Limits("second", 5000, 8000, 800, 520).to_payload()


class _Stream:
    def __init__(self) -> None:
        self.said = b""
        self.written = b""
        self.deaf = False

    def read(self) -> bytes:
        said, self.said = self.said, b""
        return said

    def write(self, data: memoryview) -> int:
        if self.deaf:
            return 0
        self.written += bytes(data)
        return len(data)


class _Pair:
    """A tool on a bench with a second link of the same kind."""

    def __init__(self, bench: Callable[..., Any], counts: list[int]) -> None:
        self.streams = [_Stream(), _Stream()]
        self.bench = bench(counts, links=[lambda tool: Link(tool, of_stream(self.streams[1], tool.clock))])
        self.bench.board.stream = self.streams[0]
        tool = self.bench.tool
        tool.links[0] = Link(tool, of_stream(self.streams[0], tool.clock))

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms // 4):
            for link in self.bench.tool.links:
                link.step()
            self.bench.run(4, link=False)

    def ask(self, which: int, number: int, body: bytes = b"", request_id: int = 1) -> Any:
        """Give a command on a link and return its response."""
        before = len(self.streams[which].written)
        message = messages.Command(request_id, number, body)
        self.streams[which].said += encode(kinds.COMMAND, 0, message.to_payload())
        self.run(200)
        return self.heard(which, before, messages.Response)[-1]

    def greet(self, which: int) -> None:
        hello = messages.Hello(kinds.MAJOR, kinds.MINOR, "test", which)
        self.streams[which].said += encode(kinds.HELLO, 0, hello.to_payload())
        self.run(8)

    def heard(self, which: int, since: int, kind: type) -> list[Any]:
        decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
        decoder.feed(self.streams[which].written[since:])
        found = []
        while (frame := decoder.next_frame()) is not None:
            message = messages.MESSAGES[frame.kind].from_payload(frame.payload)
            if isinstance(message, kind):
                found.append(message)
        return found

    def samples(self, which: int) -> list[tuple[int, int]]:
        return [
            (batch.first_index + i, counts)
            for batch in self.heard(which, 0, messages.ForceSamples)
            for i, counts in enumerate(batch.counts())
        ]


@pytest.fixture
def pair(bench: Callable[..., Any]) -> _Pair:
    made = _Pair(bench, list(range(20_000)))
    made.greet(0)
    made.greet(1)
    return made


def test_each_host_gets_every_sample_from_its_own_start_on(pair: _Pair) -> None:
    pair.ask(0, kinds.START_STREAM)
    pair.run(500)
    pair.ask(1, kinds.START_STREAM)
    pair.run(1000)
    for which in (0, 1):
        samples = pair.samples(which)
        assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
        assert len(samples) > 300
    assert pair.samples(1)[0][0] > 150


def test_the_first_that_streams_is_in_control_until_it_stops(pair: _Pair) -> None:
    assert pair.ask(1, kinds.SET_LIMITS, _LIMITS, 1).error == kinds.OK, "nobody holds control yet"
    pair.ask(0, kinds.START_STREAM)
    pair.ask(1, kinds.START_STREAM, request_id=2)
    for number, body in ((kinds.SET_LIMITS, _LIMITS), (kinds.SET_ZERO, messages.set_zero_body(5))):
        refused = pair.ask(1, number, body, 3)
        assert refused.error == kinds.NOT_ALLOWED
        assert "another host" in refused.text
    assert pair.ask(1, kinds.DESCRIBE, request_id=4).error == kinds.OK
    assert pair.bench.tool.settings.zero.counts == 0
    assert pair.ask(0, kinds.SET_ZERO, messages.set_zero_body(7), 5).error == kinds.OK
    pair.ask(0, kinds.STOP_STREAM, request_id=6)
    # The very request that was refused before is decided again.
    assert pair.ask(1, kinds.SET_ZERO, messages.set_zero_body(5), 3).error == kinds.OK
    pair.ask(0, kinds.START_STREAM, request_id=7)
    assert pair.ask(0, kinds.SET_ZERO, messages.set_zero_body(9), 8).error == kinds.NOT_ALLOWED
    assert pair.bench.tool.settings.zero.counts == 5


def test_a_host_that_reads_no_more_loses_control(pair: _Pair) -> None:
    pair.ask(0, kinds.START_STREAM)
    pair.ask(1, kinds.START_STREAM)
    pair.streams[0].deaf = True
    pair.run(1000)
    assert pair.bench.tool.health.faults & kinds.FAULT_LINK_STALLED
    assert pair.ask(1, kinds.SET_ZERO, messages.set_zero_body(5), 3).error == kinds.OK
    pair.streams[0].deaf = False
    # It speaks again, and reads on; control stays where it is.
    assert pair.ask(0, kinds.SET_ZERO, messages.set_zero_body(6), 4).error == kinds.NOT_ALLOWED
    assert not pair.bench.tool.health.faults & kinds.FAULT_LINK_STALLED


def test_a_hello_of_another_session_gives_control_up(pair: _Pair) -> None:
    pair.ask(0, kinds.START_STREAM)
    hello = messages.Hello(kinds.MAJOR, kinds.MINOR, "test", 99)
    pair.streams[0].said += encode(kinds.HELLO, 0, hello.to_payload())
    pair.run(8)
    assert pair.ask(1, kinds.SET_ZERO, messages.set_zero_body(5), 3).error == kinds.OK


def test_a_fault_of_one_link_does_not_end_with_the_other_links(pair: _Pair) -> None:
    pair.ask(0, kinds.START_STREAM)
    pair.ask(1, kinds.START_STREAM)
    for stream in pair.streams:
        stream.deaf = True
    pair.run(1000)
    pair.streams[0].deaf = False
    pair.ask(0, kinds.DESCRIBE, request_id=5)
    assert pair.bench.tool.health.faults & kinds.FAULT_LINK_STALLED
    pair.streams[1].deaf = False
    pair.ask(1, kinds.DESCRIBE, request_id=5)
    assert not pair.bench.tool.health.faults & kinds.FAULT_LINK_STALLED
