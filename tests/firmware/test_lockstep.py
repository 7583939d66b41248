"""A tool in lockstep lives as long as it is granted, and stops where it says something."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from iastm_protocol import kinds, messages

_ROOM = 1 << 16


class Peer:
    """Takes turns with a tool by hand."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        assert self.turn() == (0, b"")

    def grant(self, until_us: int, said: bytes = b"", room: int = _ROOM) -> tuple[int, bytes]:
        """Grant time; return when the turn ended, and what was written."""
        assert self.process.stdin is not None
        self.process.stdin.write(struct.pack("<IQI", 12 + len(said), until_us, room) + said)
        self.process.stdin.flush()
        return self.turn()

    def turn(self) -> tuple[int, bytes]:
        assert self.process.stdout is not None
        wrote = b""
        while n := int.from_bytes(self.process.stdout.read(4), "little"):
            wrote += self.process.stdout.read(n)
        return int.from_bytes(self.process.stdout.read(8), "little"), wrote


@pytest.fixture
def peer(virtual_tool: Any) -> Iterator[Callable[[], Peer]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> Peer:
        rows = virtual_tool.rows([(0, index) for index in range(3200)])
        started.append(
            subprocess.Popen(
                [*virtual_tool.arguments(rows, {}), "--lockstep"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=virtual_tool.environment,
            )
        )
        return Peer(started[-1])

    yield start
    for process in started:
        process.communicate(timeout=60)


def test_time_passes_as_far_as_it_is_granted_and_no_further(peer: Callable[[], Peer], virtual_tool: Any) -> None:
    tool = peer()
    assert tool.grant(250_000) == (250_000, b"")
    assert tool.grant(1_000_001) == (1_000_001, b"")
    # A grant of the past is none.
    assert tool.grant(1_000_000) == (1_000_001, b"")
    tool.process.communicate(timeout=60)
    assert tool.process.returncode == 0
    # The end of stdin is its end, with the truth written: conversions at 0, 3.125 ms, ….
    assert [row[0] for row in virtual_tool.truth()] == list(range(321))


def test_a_turn_ends_at_the_instant_of_the_first_write(peer: Callable[[], Peer], wire: Any) -> None:
    tool = peer()
    tool.grant(100_000)
    at_us, wrote = tool.grant(10_000_000, wire.hello())
    # The link looks for bytes each 4 ms.
    assert 100_000 <= at_us <= 104_000
    (answer,) = wire.decode(wrote).messages
    assert isinstance(answer, messages.HelloAnswer)
    at_us, wrote = tool.grant(10_000_000, wire.command(1, kinds.START_STREAM))
    assert at_us <= 108_000
    times_us = []
    for _ in range(10):
        at_us, wrote = tool.grant(10_000_000)
        assert wire.decode(wrote).of(messages.ForceSamples)
        times_us.append(at_us)
    # A batch each 20 ms and a little, because it closes with the conversion after them.
    assert times_us[-1] - times_us[0] == pytest.approx(9 * 21_875, abs=4_000)


def test_what_there_is_no_room_for_waits_in_the_tool(peer: Callable[[], Peer], wire: Any) -> None:
    tool = peer()
    _, wrote = tool.grant(100_000, wire.hello(), room=10)
    assert len(wrote) == 10
    assert tool.grant(200_000, room=0) == (200_000, b"")
    _, rest = tool.grant(300_000)
    assert len(wire.decode(wrote + rest).of(messages.HelloAnswer)) == 1
