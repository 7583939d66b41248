"""Section 3 is true: what a newer minor adds disturbs neither the firmware nor the host nor a recording's reader."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.firmware.conftest import Bench, command
from tests.protocol.spec import vectors

from iastm_host.events import Chunk, ForceBlock, Problem
from iastm_host.records.entries import VERSION, Recording, encode_entry
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_protocol import kinds, messages
from iastm_protocol.frames import Decoder, encode

_NEWER_MINOR = 7
_MORE = b"\x02\x03more"
_CASES = {case["name"]: bytes.fromhex(case["payload_hex"]) for case in vectors("messages.json")["messages"]}


def newer(kind: int, payload: bytes) -> bytes:
    """A frame with fields that this minor does not know."""
    return bytes(encode(kind, 0, payload + _MORE))


# The tool before a newer host


@pytest.fixture
def greeted() -> Bench:
    bench = Bench([0] * 320)
    bench.run(100)
    hello = messages.Hello(kinds.MAJOR, _NEWER_MINOR, "newer", 1).to_payload()
    bench.say(newer(kinds.HELLO, hello))
    return bench


def names(bench: Bench) -> list[str]:
    return [type(message).__name__ for message in bench.heard().messages]


def test_a_tool_answers_a_newer_minor_with_its_own(greeted: Bench) -> None:
    (answer,) = greeted.heard().messages
    assert (answer.major, answer.minor) == (kinds.MAJOR, kinds.MINOR)


@pytest.mark.parametrize(
    ("kind", "payload", "answer"),
    [
        (kinds.PING, messages.Ping(3).to_payload(), ["Pong"]),
        (kinds.FETCH, messages.Fetch(0, 5).to_payload(), ["ForceSamples"]),
        (kinds.FETCH_EVENTS, messages.FetchEvents(1).to_payload(), ["ToolEvent"]),
        (kinds.ACK, messages.Ack(5, 1).to_payload(), []),
    ],
)
def test_a_tool_passes_over_fields_that_it_does_not_know(
    greeted: Bench, kind: int, payload: bytes, answer: list[str]
) -> None:
    greeted.say(newer(kind, payload))
    assert names(greeted)[1:] == answer
    assert greeted.tool.links[0]._unreadable == 0


@pytest.mark.parametrize(
    ("number", "body", "error"),
    [
        (kinds.SET_ZERO, messages.set_zero_body(5) + _MORE, kinds.OK),
        (kinds.SET_LIMITS, messages.Limits("", 0, 0, 800, 520).to_payload() + _MORE, kinds.OK),
        (kinds.START_STREAM, _MORE, kinds.OK),
        (0x55, _MORE, kinds.UNKNOWN_COMMAND),
    ],
)
def test_a_tool_passes_over_the_end_of_a_body_and_refuses_a_command_that_it_does_not_know(
    greeted: Bench, number: int, body: bytes, error: int
) -> None:
    greeted.say(command(9, number, body))
    (response,) = greeted.heard().of(messages.Response)
    assert (response.request_id, response.error) == (9, error)


def test_a_tool_counts_kinds_that_it_does_not_know_and_goes_on(greeted: Bench) -> None:
    for kind in (0x00, 0x09, 0x1C, 0x7F, kinds.RESPONSE):
        greeted.say(encode(kind, 0, _MORE))
    assert (names(greeted), greeted.tool.links[0]._unknown_kinds) == (["HelloAnswer"], 5)


# The host before a newer tool


class _OtherTool:
    """Answers in the frames of `frame`, HELLO with the payload of `answer`."""

    def __init__(self, answer: bytes, frame: Callable[[int, bytes], bytes]) -> None:
        self._decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
        self._answer = answer
        self._frame = frame

    def answer(self, said: bytes) -> bytes:
        self._decoder.feed(said)
        answers = b""
        while (frame := self._decoder.next_frame()) is not None:
            if frame.kind == kinds.HELLO:
                answers += self._frame(kinds.HELLO_ANSWER, self._answer)
            elif frame.kind == kinds.PING:
                ping = messages.Ping.from_payload(frame.payload)
                answers += self._frame(kinds.PONG, messages.Pong(ping.ping_id, 1000).to_payload())
            elif frame.kind == kinds.COMMAND:
                asked = messages.Command.from_payload(frame.payload)
                for kind, name in _DESCRIBED:
                    answers += self._frame(kind, _CASES[name])
                response = messages.Response(asked.request_id, asked.command, kinds.OK, "")
                answers += self._frame(kinds.RESPONSE, response.to_payload())
        return answers


_DESCRIBED = ((kinds.CALIBRATION, "calibration"), (kinds.ZERO, "zero"), (kinds.LIMITS, "limits"))
_ANSWER = messages.HelloAnswer.from_payload(_CASES["hello answer"])


def newer_tool() -> _OtherTool:
    """A tool whose bits, numbers and fields this host does not know."""
    answer = _ANSWER._replace(minor=_NEWER_MINOR, features=_ANSWER.features | 0xFF00_0000)
    return _OtherTool(answer.to_payload(), newer)


def live(tool: _OtherTool) -> tuple[ToolClient, list[Any]]:
    """Return a client after a conversation with a tool, and what it told."""
    client = ToolClient("host", session=1)
    client.opening()
    client.opened()
    answers = b""
    events: list[Any] = []
    for turn in range(40):
        events += client.receive(Chunk(turn * 1000, answers))
        answers = tool.answer(b"".join(client.to_send()))
    return client, events


def test_a_host_goes_live_with_a_newer_minor_and_reads_what_it_knows() -> None:
    client, _ = live(newer_tool())
    assert client.state == states.STREAMING
    assert (client.malformed, client.decoder.damaged) == (0, 0)
    assert client.tool is not None
    assert client.tool.protocol == f"{kinds.MAJOR}.{_NEWER_MINOR}"
    batch = messages.ForceSamples(700, 2_187_500, 3125, 0x60, messages.pack_counts((5, 6)))
    event = messages.ToolEvent(1, 0xEE, 700, 2_187_500, 0)
    data = encode(kinds.FORCE_SAMPLES, 0, batch.to_payload()) + newer(kinds.TOOL_EVENT, event.to_payload())
    data += newer(kinds.STATUS, _CASES["status"]) + encode(0x3F, 0, _MORE)
    told = client.receive(Chunk(50_000, data))
    (block,) = (each for each in told if isinstance(each, ForceBlock))
    assert block.raw_counts is not None
    assert block.raw_counts.tolist() == [5, 6]
    assert (client.malformed, client.unknown_kinds, client.decoder.damaged) == (0, 1, 0)


@pytest.mark.parametrize("minor", [0, 1])
def test_a_host_goes_live_with_an_older_minor_whose_answer_ends_sooner(minor: int) -> None:
    (older,) = (case for case in vectors("messages.json")["older"] if case["name"] == "hello answer of minor 1")
    answer = bytearray.fromhex(older["payload_hex"])
    answer[5] = minor
    client, _ = live(_OtherTool(bytes(answer), lambda kind, payload: bytes(encode(kind, 0, payload))))
    assert client.state == states.STREAMING
    assert (client.malformed, client.decoder.damaged) == (0, 0)
    assert client.tool is not None
    assert client.tool.protocol == f"{kinds.MAJOR}.{minor}"


def test_a_host_reads_six_bytes_of_another_major_and_gives_up() -> None:
    client = ToolClient("host", session=1)
    client.opening()
    client.opened()
    client.receive(Chunk(0, b""))
    client.receive(Chunk(1000, encode(kinds.HELLO_ANSWER, 0, b"IAST\x02\x05" + _MORE)))
    assert (client.state, client.hopeless) == (states.REFUSED, True)
    assert "2.5" in client.reason
    assert f"{kinds.MAJOR}.{kinds.MINOR}" in client.reason


# Recordings


def _recording(path: Path, version: int, more: dict[str, object]) -> Path:
    start = {"note": "start", "format": "iastm-recording", "version": version, "wall_time": "2026-01-01T00:00:00Z"}
    start |= {"carrier": "serial", "mtu": None, "software": "newer", "settings": {}, **more}
    notes = [json.dumps(start).encode(), json.dumps({"note": "new", "text": "?"}).encode()]
    data = b"".join(encode_entry(kinds.NOTE, i, i, note) for i, note in enumerate(notes))
    data += encode(0xEF, 2, struct.pack("<Q", 2) + _MORE)
    path.write_bytes(data + encode_entry(kinds.RECEIVED, 3, 3, b"abc"))
    return path


def test_a_recording_with_members_notes_and_entries_that_are_not_known_is_read(tmp_path: Path) -> None:
    recording = Recording(_recording(tmp_path / "a.iastm", VERSION, {"unheard": 1}))
    assert [chunk.data for chunk in recording.chunks() if isinstance(chunk, Chunk)] == [b"abc"]


def test_a_recording_of_a_greater_version_is_refused_in_words(tmp_path: Path) -> None:
    path = _recording(tmp_path / "a.iastm", VERSION + 1, {})
    with pytest.raises(Problem, match="newer program"):
        Recording(path)
