"""SPEC.md is enough: a reader made from it alone reads the worked sessions and all vectors."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol import reader
from tests.protocol.reader import KINDS, Frame
from tests.protocol.spec import Line, Unreadable, decoded, section, session, tables, vectors

from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import Decoder, encode

_KEY = bytes(range(0x40, 0x60))
_SESSIONS = ("serial", "ble 23", "ble 247")


def ids(case: dict[str, Any]) -> str:
    return str(case["name"])


# Vectors


@pytest.mark.parametrize("case", vectors("messages.json")["messages"], ids=ids)
def test_every_message_is_read(case: dict[str, Any]) -> None:
    frames, damaged = reader.read_stream(bytes.fromhex(case["wire_hex"]))
    assert (frames, damaged) == ([Frame(case["kind"], case["sequence"], bytes.fromhex(case["payload_hex"]))], 0)
    fields = decoded(case["kind"], frames[0].payload)
    assert list(fields) == list(case["fields"])
    for name, value in case["fields"].items():
        assert plain(fields[name]) == stated(value), name
    if "counts" in case:
        assert reader.counts(fields["packed"]) == case["counts"]
    # Bytes after the last field belong to a newer minor, and one that is missing makes it unreadable.
    open_end = ("FORCE_SAMPLES", "COMMAND", "SIGNED_COMMAND", "STORED_PART", "LOG_PART")
    if case["kind"] not in {KINDS[name] for name in open_end}:
        assert decoded(case["kind"], frames[0].payload + b"\x01\xff") == fields
        with pytest.raises(Unreadable):
            decoded(case["kind"], frames[0].payload[:-1])


@pytest.mark.parametrize("case", vectors("messages.json")["unreadable"], ids=ids)
def test_what_section_4_calls_unreadable_is(case: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        decoded(case["kind"], bytes.fromhex(case["payload_hex"]))


@pytest.mark.parametrize("case", vectors("messages.json")["older"], ids=ids)
def test_what_an_older_minor_says_is_read(case: dict[str, Any]) -> None:
    payload = bytes.fromhex(case["payload_hex"])
    newest = next(each for each in vectors("messages.json")["messages"] if each["name"] == case["of"])
    said = decoded(case["kind"], payload)
    assert list(said) == [name for name in newest["fields"] if name not in case["missing"]]
    assert all(plain(said[name]) == stated(newest["fields"][name]) for name in said)


@pytest.mark.parametrize("case", vectors("stored.json")["stored"], ids=ids)
def test_a_stored_calibration_is_read(case: dict[str, Any]) -> None:
    head, document = bytes.fromhex(case["head_hex"]), bytes.fromhex(case["document_hex"])
    serial_number, calibration, rest = reader.stored(head + document)
    assert (serial_number, rest) == (case["serial_number"], document)
    assert {name: plain(value) for name, value in calibration.items()} == {
        name: stated(value) for name, value in case["calibration"].items()
    }
    assert hashlib.sha256(head + document).hexdigest() == case["sha256_hex"]


@pytest.mark.parametrize("case", vectors("stored.json")["refused"], ids=ids)
def test_what_begins_with_no_head_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        reader.stored(bytes.fromhex(case["stored_hex"]))


def plain(value: Any) -> Any:
    """What was read, as the vectors state it: yes and no are 1 and 0, lists are tuples."""
    return tuple(plain(item) for item in value) if isinstance(value, tuple) else value


def stated(value: Any) -> Any:
    if isinstance(value, dict) and "hex" in value:
        return bytes.fromhex(value["hex"])
    if isinstance(value, dict):
        return value["value"]
    return tuple(stated(item) for item in value) if isinstance(value, list) else value


def test_cobs_is_written_and_read() -> None:
    for case in vectors("frames.json")["cobs"]:
        raw, block = bytes.fromhex(case["raw_hex"]), bytes.fromhex(case["stuffed_hex"])
        assert reader.stuffed(raw) == block, case["name"]
        assert reader.unstuffed(block) == raw, case["name"]


@pytest.mark.parametrize("group", ["frames", "also_read", "recording_entries"])
def test_every_frame_and_other_spelling_is_read(group: str) -> None:
    link = group != "recording_entries"
    for case in vectors("frames.json")[group]:
        frames, damaged = reader.read_stream(bytes.fromhex(case["wire_hex"]), 1 << 20, link=link)
        assert (frames, damaged) == ([Frame(case["kind"], case["sequence"], bytes.fromhex(case["payload_hex"]))], 0)


@pytest.mark.parametrize("case", vectors("damaged.json")["cases"], ids=ids)
def test_damage_on_a_byte_stream_is_dropped_and_counted(case: dict[str, Any]) -> None:
    frames, damaged = reader.read_stream(bytes.fromhex(case["wire_hex"]), case["max_payload"], link=case["link"])
    assert frames == [Frame(kind, sequence, bytes.fromhex(payload)) for kind, sequence, payload in case["frames"]]
    assert damaged == case["damaged"]


@pytest.mark.parametrize("case", vectors("fragments.json")["fragments"], ids=ids)
def test_every_frame_in_messages_is_read(case: dict[str, Any]) -> None:
    pieces = reader.Pieces()
    *before, last = [pieces.read(bytes.fromhex(message)) for message in case["messages_hex"]]
    assert before == [None] * len(before)
    assert last == Frame(case["kind"], case["sequence"], bytes.fromhex(case["payload_hex"]))
    assert all(len(message) <= 2 * case["max_bytes"] for message in case["messages_hex"])


@pytest.mark.parametrize("case", vectors("fragments.json")["damage"], ids=ids)
def test_damage_on_a_carrier_of_messages_is_dropped_and_counted(case: dict[str, Any]) -> None:
    pieces = reader.Pieces()
    read = [pieces.read(bytes.fromhex(message)) for message in case["messages_hex"]]
    expected = [Frame(kind, sequence, bytes.fromhex(payload)) for kind, sequence, payload in case["frames"]]
    assert [frame for frame in read if frame is not None] == expected
    assert pieces.damaged == case["damaged"]


def test_signatures_are_made_and_false_ones_refused() -> None:
    cases = vectors("signing.json")
    for group, right in (("signed", True), ("refused", False)):
        for case in cases[group]:
            key, challenge, command, tag = (
                bytes.fromhex(case[name]) for name in ("key_hex", "challenge_hex", "command_hex", "tag_hex")
            )
            assert (reader.tag(key, challenge, case["counter"], command) == tag) is right, case["name"]


def fed(blocks: list[Any]) -> Iterator[tuple[int, float] | None]:
    for block in blocks:
        if block == "gap":
            yield None
            continue
        first, samples, *times = block
        values = [samples] * times[0] if times else samples
        yield from enumerate(values, first)


@pytest.mark.parametrize("case", vectors("strokes.json")["cases"], ids=ids)
def test_strokes_are_found(case: dict[str, Any]) -> None:
    detector = case["detector"]
    found = reader.strokes(detector["on"], detector["off"], detector["min_samples"], fed(case["feed"]))
    assert found == case["strokes"]


@pytest.mark.parametrize("case", vectors("limits.json")["vibrating"], ids=ids)
def test_limits_of_a_tool_that_vibrates_are_exceeded(case: dict[str, Any]) -> None:
    every = [(first + i, value, shakes) for first, values, shakes in case["feed"] for i, value in enumerate(values)]
    shaken = frozenset(index for index, _, shakes in every if shakes)
    watch = case["watch"]
    decided = reader.exceeded(
        watch["enter"],
        watch["leave"],
        watch["min_samples"],
        [(index, value) for index, value, _ in every],
        shaken,
        case["rate_mhz"] / 1000,
    )
    assert decided == (case["crossings"], case["over"])


@pytest.mark.parametrize("case", vectors("glitches.json")["cases"], ids=ids)
def test_glitches_are_suspected(case: dict[str, Any]) -> None:
    assert reader.glitches(case["jump"], case["samples"]) == case["glitches"]


@pytest.mark.parametrize("case", vectors("limits.json")["cases"], ids=ids)
def test_limits_decide(case: dict[str, Any]) -> None:
    watch = case["watch"]
    crossings, over = reader.exceeded(watch["enter"], watch["leave"], watch["min_samples"], fed(case["feed"]))
    assert (crossings, over) == (case["crossings"], case["over"])


@pytest.mark.parametrize("case", vectors("conversion.json")["cases"], ids=ids)
def test_counts_become_newtons_and_newtons_counts(case: dict[str, Any]) -> None:
    coefficients = [c["value"] for c in case["coefficients"]]
    assert (1 if coefficients[1] >= 0 else -1) == case["polarity"]
    for at in case["newtons"]:
        force_n = reader.newtons(at["counts"] - at["zero_counts"], coefficients)
        assert math.isclose(force_n, at["force_n"], abs_tol=1e-9)
    for at in case["net_counts"]:
        exact = [
            sum(Fraction(c) * (case["polarity"] * net) ** order for order, c in enumerate(coefficients))
            for net in (at["net_counts"] - 1, at["net_counts"])
        ]
        assert exact[1] >= Fraction(at["force_n"])
        assert at["net_counts"] == 0 or exact[0] < Fraction(at["force_n"])


# Whatever comes

_FRAMES = st.tuples(st.integers(0, 0x9F), st.integers(0, 0xFFFF), st.binary(max_size=40))
_NOISE = st.one_of(st.binary(max_size=12), st.just(b"\0"), st.binary(min_size=480, max_size=520))


@given(st.lists(st.one_of(_FRAMES, _NOISE), max_size=6), st.data())
def test_of_any_bytes_it_makes_what_the_code_makes(parts: list[Any], data: st.DataObject) -> None:
    wire = b"".join(part if isinstance(part, bytes) else encode(*part) for part in parts)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(wire)))
        wire = wire[:at] + data.draw(st.binary(max_size=2)) + wire[at + 1 :]
    decoder = Decoder(reader.LINK_PAYLOAD)
    decoder.feed(wire)
    frames = [Frame(*frame) for frame in iter(decoder.next_frame, None)]
    assert reader.read_stream(wire) == (frames, decoder.damaged)


_HEADERS = st.sampled_from([0, 1, 2, 3, 3, 1, 2, 0x80, 0x07])
_MESSAGES = st.one_of(
    st.builds(lambda header, piece: bytes([header]) + piece, _HEADERS, st.binary(max_size=250)), st.just(b"")
)


@given(st.lists(st.one_of(_MESSAGES, st.tuples(_FRAMES, st.integers(2, 30))), max_size=8), st.data())
def test_of_any_messages_it_makes_what_the_code_makes(parts: list[Any], data: st.DataObject) -> None:
    messages: list[bytes] = []
    for part in parts:
        messages += [part] if isinstance(part, bytes) else fragments(reader.enveloped(Frame(*part[0])), part[1])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(messages)))
        messages[at : at + 1] = data.draw(st.sampled_from([[], messages[at : at + 1] * 2]))
    decoder, pieces = FragmentDecoder(reader.LINK_PAYLOAD), reader.Pieces()
    for message in messages:
        decoder.feed(message)
    read = [frame for message in messages if (frame := pieces.read(message)) is not None]
    assert read == [Frame(*frame) for frame in iter(decoder.next_frame, None)]
    assert pieces.damaged == decoder.damaged


# Sessions


def heard(lines: list[Line]) -> Iterator[tuple[Line, Frame | None]]:
    """Read what arrives of a session; None where a frame does not."""
    pieces: dict[str, reader.Pieces] = {}
    for line in lines:
        if not line.kind:
            continue
        if line.way:
            way = pieces.setdefault(line.way, reader.Pieces())
            frames = [way.read(m) for m, arrives in zip(line.messages, line.arrives, strict=True) if arrives]
            yield line, next((frame for frame in frames if frame is not None), None)
        else:
            (message,) = line.messages
            if not all(line.arrives):
                message = message[:20] + bytes([message[20] ^ 0x40]) + message[21:]
            frames_read, _ = reader.read_stream(message)
            yield line, frames_read[0] if frames_read else None


@pytest.mark.parametrize("name", _SESSIONS)
def test_a_session_holds_what_it_says(name: str) -> None:
    lines = list(heard(session(name)))
    assert len(lines) > 25
    lost = [line for line, frame in lines if frame is None]
    assert [line.kind for line in lost] == ["FORCE_SAMPLES"]
    for line, frame in lines:
        if frame is not None:
            assert reader.told(frame) == (line.kind, line.said)
    # Who sends a kind stands in the table of kinds, and each counts the frames that it sends.
    senders = {row[1]: row[2] for row in tables(section("### 2.4 Kinds"))[0]}
    for sender in ("host", "tool"):
        sent = [(line, frame) for line, frame in lines if line.sender == sender]
        assert all(senders[line.kind] == sender for line, _ in sent)
        assert all(frame is None or frame.sequence == i for i, (_, frame) in enumerate(sent))


@pytest.mark.parametrize(("name", "room"), [("ble 23", 20), ("ble 247", 244)])
def test_a_session_over_ble_fills_its_messages_and_goes_by_the_right_way(name: str, room: int) -> None:
    lines = [line for line in session(name) if line.kind]
    for line in lines:
        assert {len(message) for message in line.messages[:-1]} <= {room}
        assert len(line.messages[-1]) <= room
        assert (line.way == "stream") == (line.sender == "tool")
    assert {line.kind for line in lines if line.way == "command"} == {"SIGNED_COMMAND"}
    remarks = [line.said for line in session(name) if not line.kind]
    assert ("connects" in remarks[0], "subscribes" in remarks[1], "disconnects" in remarks[-1]) == (True, True, True)


@pytest.mark.parametrize("name", ["ble 23", "ble 247"])
def test_the_signature_in_a_session_is_that_of_the_key_in_the_text(name: str) -> None:
    frames = [frame for _, frame in heard(session(name)) if frame is not None]
    (answer,) = (decoded(f.kind, f.payload) for f in frames if f.kind == KINDS["HELLO_ANSWER"])
    (signed,) = (decoded(f.kind, f.payload) for f in frames if f.kind == KINDS["SIGNED_COMMAND"])
    assert "The tool's key is the 32 bytes `40 41 42 … 5e 5f`." in section("### 9.2")
    assert reader.tag(_KEY, answer["challenge"], signed["counter"], signed["command"]) == signed["tag"]
    assert decoded(KINDS["COMMAND"], signed["command"])["command"] == 5


@pytest.mark.parametrize("name", _SESSIONS)
def test_a_session_is_complete_and_its_stroke_and_alert_follow_from_its_samples(name: str) -> None:
    said = [(f, decoded(f.kind, f.payload)) for _, f in heard(session(name)) if f is not None]

    def of(kind: str) -> list[dict[str, Any]]:
        return [fields for frame, fields in said if frame.kind == KINDS[kind]]

    (zero, *_), (limits,) = of("ZERO"), of("LIMITS")[-1:]
    coefficients = of("CALIBRATION")[0]["coefficients"]
    samples: dict[int, int] = {}
    next_index = 704
    holes = []
    for batch in of("FORCE_SAMPLES"):
        first, values = batch["first_index"], reader.counts(batch["packed"])
        samples |= dict(enumerate(values, first))
        assert batch["span_us"] == (len(values) - 1) * 3125
        assert batch["first_us"] == first * 3125
        if not batch["flags"] & 0x10:
            if first != next_index:
                holes.append((next_index, first - next_index))
            next_index = first + len(values)
    assert sorted(samples) == list(range(704, next_index))
    assert [(fetch["first_index"], fetch["samples"]) for fetch in of("FETCH")] == holes
    assert len(holes) == 1
    net = [(index, samples[index] - zero["counts"]) for index in sorted(samples)]

    def force_n(counts: int) -> float:
        return reader.newtons(counts, coefficients)

    crossings, _ = reader.exceeded(
        limits["warn_mn"] / 1000, 0.9 * limits["warn_mn"] / 1000, 2, [(index, force_n(n)) for index, n in net]
    )
    (alert,) = of("ALERT")
    assert [alert["index"]] == crossings
    assert (alert["counts"], alert["tool_us"]) == (dict(net)[alert["index"]], alert["index"] * 3125)
    on, off = (limits[each] / 1000 for each in ("contact_on_mn", "contact_off_mn"))
    (found,) = reader.strokes(on, off, math.ceil(0.15 * 320), [(index, force_n(n)) for index, n in net])
    (stroke,) = of("STROKE")
    for field in ("first_index", "last_index", "peak_index", "truncated"):
        assert stroke[field] == found[field]
    inside = [n for index, n in net if found["first_index"] <= index <= found["last_index"]]
    assert (stroke["peak_counts"], stroke["total_counts"]) == (max(inside), sum(inside))
    assert of("ACK")[-1]["next_index"] == next_index
    assert of("STATUS")[-1]["last_event"] == of("TOOL_EVENT")[-1]["event_id"] == of("ACK")[-1]["next_event"] - 1
