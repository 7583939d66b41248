"""The worked sessions of SPEC.md are what the firmware sends, byte by byte, to a host that says what they say."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from tests.firmware.conftest import Bench
from tests.firmware.desk import COMMAND, CONNECT, ENCRYPTION, MTU, QUERY, Radio
from tests.protocol.spec import Line, session, vectors

from iastm_firmware.ble import BleLink
from iastm_protocol import kinds, messages

_ZERO_COUNTS = 1024
_KEY = bytes(range(0x40, 0x60))
# The challenge, as the board's source of entropy gives it.
_CHALLENGE = (0xA3A2A1A0, 0xA7A6A5A4, 0xABAAA9A8, 0xAFAEADAC)
_CASES = {case["name"]: bytes.fromhex(case["payload_hex"]) for case in vectors("messages.json")["messages"]}
_BEGINS_MS, _ENDS_MS = 2000, 3000
# When the host of the sessions sets limits and starts the stream, in milliseconds since boot.
_SETS_LIMITS_MS, _STARTS_MS = 2134, 2198
# What these say of the board, of the moment and of the heap is not the sessions' matter.
_OF_THE_BOARD = ("HELLO_ANSWER", "PONG", "STATUS", "HEALTH")


def _samples() -> list[int]:
    """Raw counts by index: of the sessions' batches, and at rest before and after them."""
    counts = [_ZERO_COUNTS] * 1000
    for line in session("serial"):
        if line.kind == "FORCE_SAMPLES":
            fields = dict(part.split("=") for part in line.said.split(" packed=")[0].split())
            packed = [int(each) for each in line.said.split("packed=[")[1].rstrip("]").split()]
            first = int(fields["first_index"])
            counts[first : first + len(packed)] = packed
    return counts


class _Stage:
    """The firmware on a board like that of the sessions."""

    def __init__(self, name: str) -> None:
        self._mtu = int(name.removeprefix("ble ")) if name.startswith("ble") else None
        self.radio = Radio()
        links = [] if self._mtu is None else [lambda tool: BleLink(tool, self.radio)]
        # Without light, buzzer and motor: it says nothing of channels.
        self.bench = Bench(
            _samples(), links=links, zero_counts=_ZERO_COUNTS, key=_KEY, coefficients=(0.0, 2.0**-17), there=0
        )
        self.tool = self.bench.tool
        self.tool.settings.calibration = messages.Calibration.from_payload(_CASES["calibration"])
        self.bench.board._random = iter(_CHALLENGE)  # type: ignore[assignment]
        self.link: Any = self.tool.links[-1]
        self.bench.run(_BEGINS_MS)
        if self._mtu is not None:
            for event, *values in ((CONNECT, 0), (MTU, self._mtu), (ENCRYPTION, 1, 0, 0, 16)):
                self.radio.happens(event, 64, *values)

    @property
    def now_ms(self) -> int:
        return self.bench.elapsed_us // 1000

    def turn(self) -> None:
        """Let a millisecond pass."""
        if self._mtu is not None:
            self.link.step()
        self.bench.run(1)

    def say(self, line: Line) -> None:
        for message in line.messages:
            if self._mtu is None:
                self.bench.stream.said += message
            else:
                self.radio.write(64, {"query": QUERY, "command": COMMAND}[line.way], message)

    def frames(self) -> list[list[bytes]]:
        """Each frame that came out, as the messages that it went in."""
        if self._mtu is None:
            return [[b"\0" + block + b"\0"] for block in self.bench.stream.written.split(b"\0") if block]
        frames: list[list[bytes]] = []
        for _, message in self.radio.notified:
            if message[0] & 0x01:
                frames.append([])
            frames[-1].append(message)
        return frames


@pytest.mark.parametrize("name", ["serial", "ble 23", "ble 247"])
def test_the_firmware_sends_what_the_session_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "mem_free", lambda: 0, raising=False)
    stage = _Stage(name)
    lines = [line for line in session(name) if line.kind]
    heard = 0
    for line in lines:
        if line.sender == "host":
            set_limits = line.kind == "SIGNED_COMMAND" or " command=5 " in line.said
            starts = line.kind == "COMMAND" and " command=1 " in line.said
            while (set_limits and stage.now_ms < _SETS_LIMITS_MS) or (starts and stage.now_ms < _STARTS_MS):
                stage.turn()
            stage.say(line)
            continue
        if line.kind == "STATUS":
            stage.link.second()
        while len(stage.frames()) == heard and stage.now_ms < _ENDS_MS:
            stage.turn()
        frame = stage.frames()[heard]
        heard += 1
        if line.kind in _OF_THE_BOARD:
            (head, *_), (stated, *_) = frame, line.messages
            # Kind and sequence, and on a byte stream the codes around them.
            assert head[:4] == stated[:4]
        else:
            assert frame == line.messages, line.said
    stage.turn()
    assert len(stage.frames()) == heard


@pytest.mark.parametrize("name", ["serial", "ble 247"])
def test_the_sessions_tool_says_the_features_of_this_firmware_without_light_and_log(name: str) -> None:
    said = messages.HelloAnswer.from_payload(_CASES["hello answer"]).features
    assert f" features={said} " in next(line.said for line in session(name) if line.kind == "HELLO_ANSWER")
    assert said & ~kinds.FEATURE_SIMULATED == _Stage(name).tool.hello_answer().features & ~kinds.FEATURE_SIMULATED
