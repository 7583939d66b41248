"""A tool in memory: answers a host as the firmware does, and hands out its samples batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from iastm_host.scenarios import Cell, make_scenario
from iastm_protocol import frames, kinds, messages

RATE_HZ = 320
PERIOD_US = 1_000_000 // RATE_HZ
BATCH_US = 20_000
_STROKE_EVERY = 2 * RATE_HZ

Counts = NDArray[np.int32]


def batch_end(number: int) -> int:
    """Return the index after the last sample of batch `number`: the conversions that 20 ms each have brought."""
    return (number + 1) * BATCH_US // PERIOD_US


def treatment(seed: int) -> Callable[[int], Counts]:
    """Return a source of the raw counts of a treatment, endless: called with how many."""
    scenario = make_scenario("treatment", seed, RATE_HZ, Cell())
    return lambda n: scenario.next_rows(n)[1]


class FakeTool:
    """One tool. Times are its sample indices times the sample period; `streaming` after the host asked for it."""

    def __init__(self, number: int, source: Callable[[int], Counts]) -> None:
        self.streaming = False
        self.next_index = 0
        self._number = number
        self._source = source
        self._cell = Cell()
        self._decoder = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
        self._sequence = 0
        self._batch = 0

    def batch(self) -> bytes:
        """Return what the next 20 ms bring: samples, a status each second, its own strokes every other second."""
        first, end = self.next_index, batch_end(self._batch)
        self._batch += 1
        self.next_index = end
        samples = messages.ForceSamples(
            first, first * PERIOD_US, (end - 1 - first) * PERIOD_US, 0, packed(self._source(end - first))
        )
        said = self._frame(kinds.FORCE_SAMPLES, samples)
        if first // RATE_HZ != end // RATE_HZ:
            said += self._frame(kinds.STATUS, messages.Status(end, 82, 2150, 0, 0, 0, 0, 0, 90_000, end // RATE_HZ, 0))
        if first // _STROKE_EVERY != end // _STROKE_EVERY:
            stroke = messages.StrokeReport(end // _STROKE_EVERY, end - 400, end - 60, end - 200, 280_000, 1, False, 0)
            said += self._frame(kinds.STROKE, stroke)
        return said

    def answer(self, data: bytes) -> bytes:
        """Return the answers to what a host sent."""
        self._decoder.feed(data)
        said = b""
        while (frame := self._decoder.next_frame()) is not None:
            if frame.kind == kinds.HELLO:
                said += self._frame(kinds.HELLO_ANSWER, self._hello())
            elif frame.kind == kinds.PING:
                ping = messages.Ping.from_payload(frame.payload)
                said += self._frame(kinds.PONG, messages.Pong(ping.ping_id, self.next_index * PERIOD_US))
            elif frame.kind == kinds.COMMAND:
                said += self._obey(messages.Command.from_payload(frame.payload))
        return said

    def _obey(self, command: messages.Command) -> bytes:
        said = b""
        if command.command == kinds.DESCRIBE:
            cell = self._cell
            calibration = messages.Calibration(
                cell.calibration_id, bytes.fromhex(cell.sha256), cell.capacity_n, cell.coefficients, 0, 0
            )
            said += self._frame(kinds.CALIBRATION, calibration)
            said += self._frame(kinds.ZERO, messages.Zero(cell.zero_counts, 0, cell.zero_counts, True))
        elif command.command in (kinds.START_STREAM, kinds.STOP_STREAM):
            self.streaming = command.command == kinds.START_STREAM
        return said + self._frame(kinds.RESPONSE, messages.Response(command.request_id, command.command, kinds.OK, ""))

    def _hello(self) -> messages.HelloAnswer:
        return messages.HelloAnswer(
            kinds.MAJOR,
            kinds.MINOR,
            "0.1.0",
            bytes(8),
            "benchmark",
            "cpython",
            f"BENCH-{self._number:02}",
            1000 + self._number,
            RATE_HZ * 1000,
            (messages.Channel("force", "N"),),
            2048,
            self._cell.calibration_id,
            bytes.fromhex(self._cell.sha256),
            kinds.FEATURE_SIMULATED,
            bytes(16),
            "",
            kinds.RESET_UNKNOWN,
            0,
            0,
            0,
            0,
        )

    def _frame(self, kind: int, message: object) -> bytes:
        said: bytes = frames.encode(kind, self._sequence, message.to_payload())  # type: ignore[attr-defined]
        self._sequence = (self._sequence + 1) & 0xFFFF
        return said


def packed(counts: Counts) -> bytes:
    """Return raw counts (n,) as the wire has them: three bytes each."""
    return counts.astype("<i4").view(np.uint8).reshape(-1, 4)[:, : messages.BYTES_PER_COUNT].tobytes()
