"""A carrier that bounds what is under way: a hole that is fetched holds back nothing that is new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iastm_firmware.carrier import of_stream
from iastm_firmware.link import Link
from iastm_protocol import kinds, messages
from iastm_protocol.frames import Decoder, encode

_FRAMES = 32
_ACKNOWLEDGE_EVERY_MS = 200


class _Radio:
    """A host behind a carrier of 32 frames: hears after a delay, acknowledges, and asks for its oldest hole."""

    def __init__(self, bench: Callable[..., Any], rate_hz: int, delay_ms: int) -> None:
        self.bench = bench(range(120 * rate_hz), rate_mhz=rate_hz * 1000, ring_depth=60 * rate_hz)
        tool = self.bench.tool
        tool.links[0] = Link(tool, of_stream(self.bench.stream, tool.clock)._replace(window_frames=_FRAMES))
        self._delay_ms = delay_ms
        self._on_the_way: list[tuple[int, bytes]] = []
        self._decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
        self._asked_until = 0
        self._heard_ms = 0
        self.asks_again = True
        self._now_ms = 0
        self.next_index = 0
        self.have: set[int] = set()
        self.under_way = 0
        self.late_samples = 0

    def run(self, duration_ms: int) -> None:
        """Let time pass, with the host answering."""
        for _ in range(duration_ms // 4):
            self._now_ms += 4
            self.bench.run(4)
            if self.bench.stream.written:
                self._on_the_way.append((self._now_ms + self._delay_ms, self.bench.stream.written))
                self.bench.stream.written = b""
            while self._on_the_way and self._on_the_way[0][0] <= self._now_ms:
                self._hear(self._on_the_way.pop(0)[1])
            if self._now_ms % _ACKNOWLEDGE_EVERY_MS == 0:
                self._say(kinds.ACK, messages.Ack(self.next_index, 1))
                self._ask()
            sent = sum(data.count(b"\x00\x00") for _, data in self._on_the_way)
            self.under_way = max(self.under_way, sent)
            link = self.bench.tool.links[0]
            self.late_samples = max(self.late_samples, self.bench.tool.ring.samples - link._cursor.samples)

    def _say(self, kind: int, message: Any) -> None:
        self.bench.stream.said += encode(kind, 0, message.to_payload())

    def _hear(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (frame := self._decoder.next_frame()) is not None:
            if frame.kind == kinds.FORCE_SAMPLES:
                batch = messages.ForceSamples.from_payload(frame.payload)
                self.have.update(range(batch.first_index, batch.first_index + batch.sample_count))
                while self.next_index in self.have:
                    self.next_index += 1
                    self._heard_ms = self._now_ms

    def _ask(self) -> None:
        beyond = [index for index in self.have if index > self.next_index]
        again = self.asks_again and self._now_ms - self._heard_ms > 1000
        if beyond and (self.next_index >= self._asked_until or again):
            samples = min(4096, min(beyond) - self.next_index)
            self._asked_until = self.next_index + samples
            self._heard_ms = self._now_ms
            self._say(kinds.FETCH, messages.Fetch(self.next_index, samples))


@pytest.mark.parametrize(("rate_hz", "delay_ms", "hole_s"), [(320, 20, 30), (320, 120, 30), (1000, 60, 10)])
def test_a_hole_is_filled_while_new_samples_go_out_at_once(
    bench: Callable[..., Any], rate_hz: int, delay_ms: int, hole_s: int
) -> None:
    radio = _Radio(bench, rate_hz, delay_ms)
    radio.bench.start()
    radio.run(2000)
    # The host is away; what it is sent is lost, and the tool begins anew with it.
    radio.bench.tool.links[0].restart()
    radio.bench.run(hole_s * 1000)
    radio.bench.start()
    radio.bench.stream.written = b""
    first = radio.next_index
    radio.late_samples = 0
    radio.run(60_000)
    assert radio.next_index > first + (hole_s + 59) * rate_hz
    # Two batches at most.
    assert radio.late_samples <= 2 * 16
    assert radio.under_way <= 2 * _FRAMES


def test_after_a_pause_of_the_host_both_the_hole_and_what_is_new_go_on(bench: Callable[..., Any]) -> None:
    radio = _Radio(bench, 320, 20)
    # Nothing but acknowledgements of what was fetched may set it going again.
    radio.asks_again = False
    radio.bench.start()
    radio.run(2000)
    radio.bench.tool.links[0].restart()
    radio.bench.run(20_000)
    radio.bench.start()
    radio.bench.stream.written = b""
    radio.run(2000)
    # Its radio goes on for less than two seconds while the host says nothing.
    for _ in range(450):
        radio.bench.run(4)
    radio.late_samples = 0
    radio.run(1000)
    first = radio.next_index
    radio.late_samples = 0
    radio.run(10_000)
    assert radio.next_index > first + 1600
    assert radio.late_samples <= 2 * 16
