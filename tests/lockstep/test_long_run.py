"""Ten hours of streaming: no sample missing, ticks that wrap, and a heap that does not shrink."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.lockstep.tool import RATE_HZ, Build, LockstepTool

from iastm_host.transports.runtime import Runtime
from iastm_protocol import frames, kinds, messages

_TICKS = 1 << 30
_ROOM = 1 << 16
_S = 1_000_000
_PERIOD_US = 3125
# What is kept of events, reports and answers, and what the simulated board keeps of its last 100 alerts, has reached
# its bounds after this: nothing grows from then on.
_SETTLING_S = 380
# The zero is set so often at first that the events are full soon.
_ZEROS_S = 40
# Status is said just after a collection, or some garbage later. In ten hours a leak of a byte a minute shows.
_SPREAD_BYTES = 400


class Host:
    """The least that a tool takes for a host; keeps what it heard in short.

    It pings, acknowledges, asks for samples once more and sets the zero now and then.
    """

    def __init__(self, tool: LockstepTool, every_s: int) -> None:
        self.free_bytes: list[int] = []
        self.heard_bytes = self.fetched = 0
        self.statuses = 0
        self.last: messages.Status | None = None
        self._tool = tool
        self._every_s = every_s
        self._counts = np.memmap(tool.rows_path, dtype="<i4", mode="r").reshape(-1, 2)[:, 1]
        self._decoder = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
        self._sequence = 0
        self._next_index: int | None = None
        self._next_us = 0
        self._packed: list[bytes] = []
        self._packed_from = 0

    def run(self, seconds: int) -> None:
        said = self._frame(kinds.HELLO, messages.Hello(kinds.MAJOR, kinds.MINOR, "long", 1).to_payload())
        limits = messages.Limits("long", 11_000, 14_000, 800, 520).to_payload()
        said += self._command(1, kinds.SET_LIMITS, limits) + self._command(2, kinds.START_STREAM, b"")
        now_us = 0
        for second in range(seconds):
            until_us = (second + 1) * _S
            while now_us < until_us:
                now_us, wrote = self._tool.run(until_us, _ROOM, said)
                said = b""
                self._hear(wrote)
            said = self._say(second)
        self._compare()

    def _say(self, second: int) -> bytes:
        said = self._frame(kinds.PING, messages.Ping(second & 0xFFFF).to_payload())
        if self._next_index is not None:
            said += self._frame(kinds.ACK, messages.Ack(self._next_index, 1).to_payload())
            if second % 10 == 0:
                said += self._frame(kinds.FETCH, messages.Fetch(max(0, self._next_index - 1500), 1000).to_payload())
            if second < _ZEROS_S or second % 60 == 30:
                said += self._command(3 + second & 0xFFFF, kinds.SET_ZERO, messages.set_zero_body(84_213 + second % 7))
        return said

    def _hear(self, wrote: bytes) -> None:
        self.heard_bytes += len(wrote)
        self._decoder.feed(wrote)
        while (frame := self._decoder.next_frame()) is not None:
            if frame.kind == kinds.FORCE_SAMPLES:
                self._take(messages.ForceSamples.from_payload(frame.payload))
            elif frame.kind == kinds.STATUS:
                self._note(messages.Status.from_payload(frame.payload))
            elif frame.kind == kinds.RESPONSE:
                assert messages.Response.from_payload(frame.payload).error == kinds.OK
        assert self._decoder.damaged == 0

    def _take(self, batch: messages.ForceSamples) -> None:
        if batch.flags & kinds.BACKFILLED:
            self.fetched += batch.sample_count
            return
        if self._next_index is None:
            self._packed_from = batch.first_index
        else:
            assert batch.first_index == self._next_index
            assert abs(batch.first_us - self._next_us) <= 1
        self._next_index = batch.first_index + batch.sample_count
        self._next_us = batch.first_us + batch.sample_count * _PERIOD_US
        self._packed.append(batch.packed)

    def _note(self, status: messages.Status) -> None:
        self.last = status
        if self.statuses % self._every_s == 0:
            self.free_bytes.append(0)
            self._compare()
        self.statuses += 1
        self.free_bytes[-1] = max(self.free_bytes[-1], status.heap_free_bytes)

    def _compare(self) -> None:
        """Compare what came since the last time with what was played."""
        triples = np.frombuffer(b"".join(self._packed), dtype=np.uint8).reshape(-1, 3).astype(np.int32)
        heard = (triples[:, 0] | triples[:, 1] << 8 | triples[:, 2] << 16) << 8 >> 8
        played = self._counts[self._packed_from : self._packed_from + len(heard)]
        assert np.array_equal(heard, played)
        self._packed_from += len(heard)
        self._packed = []

    def _command(self, request_id: int, command: int, body: bytes) -> bytes:
        return self._frame(kinds.COMMAND, messages.Command(request_id, command, body).to_payload())

    def _frame(self, kind: int, payload: bytes) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        wire: bytes = frames.encode(kind, self._sequence, payload)
        return wire


def test_ten_hours_of_streaming_leave_the_heap_as_it_was_and_miss_nothing(
    runtime: Runtime, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    seconds = size(480, 36_000)
    every_s = seconds // 10
    # The ticks wrap after 40 s, and then each 18 minutes.
    build = Build(runtime, 2048, 320 * 1024, ticks_start_us=_TICKS - 40 * _S, tells_truth=False)
    tool = LockstepTool(build, tmp_path / "tool", 1, seconds + 10)
    host = Host(tool, every_s)
    try:
        host.run(seconds)
    finally:
        tool.end()
    assert host.last is not None
    assert host.last.next_index >= (seconds - 2) * RATE_HZ
    assert (host.last.missed_conversions, host.last.overrun_samples, host.last.damaged_frames) == (0, 0, 0)
    assert host.last.uptime_s >= seconds - 2
    assert host.fetched >= seconds // 10 * 800
    settled = host.free_bytes[-(-_SETTLING_S // every_s) :]
    assert len(settled) >= 2
    assert min(settled) >= settled[0] - _SPREAD_BYTES
