from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.tool import frame_words as words_of
from iastm_host.tool.frame_words import KINDS, frame_words, kind_name, payload_words, several_words
from iastm_protocol import kinds, messages, tool_bodies, tool_messages

ROOT = Path(__file__).resolve().parents[3]
SPEC = (ROOT / "protocol/SPEC.md").read_text(encoding="utf-8")
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "protocol/vectors/messages.json").read_text())["messages"]
LINK_KINDS = sorted(KINDS)


def section(title: str) -> str:
    return SPEC.split(f"\n{title}", 1)[1].split("\n### ", 1)[0]


def test_every_kind_of_a_link_has_the_name_of_the_specification() -> None:
    rows = re.findall(r"^\| 0x([0-9A-F]{2}) \| (\w+) \|", section("### 2.4 Kinds"), re.MULTILINE)
    assert {int(number, 16): name for number, name in rows if int(number, 16) < 0x80} == KINDS


def test_every_command_has_the_name_of_the_specification() -> None:
    rows = re.findall(r"^\| 0x([0-9A-F]{2}) \| (\w+) \|", section("### 5.1 COMMAND"), re.MULTILINE)
    assert len(rows) > 10
    for number, name in rows:
        payload = messages.Command(7, int(number, 16), b"").to_payload()
        assert payload_words(kinds.COMMAND, payload).startswith(f"request_id 7, command {name}")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_is_told_with_each_of_its_fields(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["payload_hex"])
    said = frame_words(vector["kind"], vector["sequence"], payload)
    assert said.startswith(f"{KINDS[vector['kind']]} #{vector['sequence']}")
    assert said.isprintable()
    if vector["kind"] in (kinds.KEY, kinds.HELLO, kinds.HELLO_ANSWER):
        return
    assert "unreadable" not in said or vector["kind"] == kinds.COMMAND
    for name in vector["fields"]:
        if (vector["kind"], name) != (kinds.COMMAND, "body"):
            assert re.search(rf"\b{name.removesuffix('_mspm')} ", said), f"{name} is left out"


def test_the_vectors_hold_every_kind() -> None:
    assert {vector["kind"] for vector in VECTORS} == set(KINDS)


@given(st.integers(0, 255), st.integers(0, 65535), st.binary(max_size=480))
def test_whatever_a_frame_holds_it_is_one_printable_line(kind: int, sequence: int, payload: bytes) -> None:
    said = frame_words(kind, sequence, payload)
    assert said.isprintable()
    assert said.startswith(f"{kind_name(kind)} #{sequence}")


@given(st.sampled_from(VECTORS), st.data())
def test_a_payload_that_is_cut_or_longer_is_told_all_the_same(vector: dict[str, Any], data: st.DataObject) -> None:
    payload = bytes.fromhex(vector["payload_hex"])
    cut = payload[: data.draw(st.integers(0, len(payload)))] + data.draw(st.binary(max_size=8))
    assert payload_words(vector["kind"], cut).isprintable()


@given(st.integers(0, 255), st.binary(max_size=40))
def test_whatever_the_body_of_a_command_is(command: int, body: bytes) -> None:
    assert payload_words(kinds.COMMAND, messages.Command(1, command, body).to_payload()).isprintable()


def test_a_key_is_never_shown() -> None:
    key = bytes(range(0x41, 0x61))
    said = frame_words(kinds.KEY, 3, messages.Key(key).to_payload())
    assert said == "KEY #3: 32 bytes, not shown"


def test_an_unknown_kind_is_told_as_hex() -> None:
    assert frame_words(0x7E, 12, b"\x01\xab") == "kind 0x7E #12: 01ab"
    assert frame_words(0x7E, 12, b"") == "kind 0x7E #12: nothing"


def test_another_major_version_is_read_no_further_than_it_may_be() -> None:
    assert payload_words(kinds.HELLO_ANSWER, b"IAST\x02\x05\xff\xfe") == (
        "protocol 2.5, of which no more can be read: fffe"
    )


def test_units_and_meanings_stand_with_the_numbers() -> None:
    status = messages.Status(768, 255, -32768, kinds.FAULT_ADC_SILENT | kinds.FAULT_MOTION, 2, 0, 0, 0, 70_000, 9, 4)
    said = payload_words(kinds.STATUS, status.to_payload())
    assert "battery_percent unknown, temperature_cdeg unknown" in said
    assert "faults converter silent + motion sensor fails: no angle, no pass length" in said
    assert "heap_free_bytes 70000 B, uptime_s 9 s" in said
    samples = messages.ForceSamples(10, 5_000, 3_125, kinds.SATURATED | kinds.BACKFILLED, messages.pack_counts([-5, 6]))
    said = payload_words(kinds.FORCE_SAMPLES, samples.to_payload())
    assert said == (
        "first_index 10, first_us 5000 µs, span_us 3125 µs, flags saturated + backfilled, packed 2 raw counts: -5 6"
    )
    event = messages.ToolEvent(3, kinds.EVENT_FAULT, 100, 7, kinds.FAULT_STORE)
    assert payload_words(kinds.TOOL_EVENT, event.to_payload()).endswith("value tool can't keep its settings")
    silence = messages.Command(9, kinds.SILENCE, tool_bodies.silence_body(60)).to_payload()
    assert payload_words(kinds.COMMAND, silence) == "request_id 9, command SILENCE, 60 s"
    signed = messages.SignedCommand(1, bytes(16), silence).to_payload()
    assert payload_words(kinds.SIGNED_COMMAND, signed).endswith("command (request_id 9, command SILENCE, 60 s)")


def test_flags_that_nobody_knows_are_told_by_number() -> None:
    samples = messages.ForceSamples(0, 0, 0, 0x84, messages.pack_counts([1])).to_payload()
    assert "flags vibrating + unknown 0x80" in payload_words(kinds.FORCE_SAMPLES, samples)


def test_text_of_a_tool_can_t_move_the_terminal() -> None:
    said = payload_words(
        kinds.RESPONSE, messages.Response(1, kinds.SET_ZERO, kinds.FAILED, "a\x1b]0;x\x07b").to_payload()
    )
    assert said.endswith(r'error FAILED, text "a\x1b]0;x\x07b"')


def test_samples_of_a_second_are_one_line() -> None:
    batches = [
        messages.ForceSamples(0, 0, 3_125, 0, messages.pack_counts([5, -7])).to_payload(),
        messages.ForceSamples(2, 6_250, 0, kinds.VIBRATING, messages.pack_counts([900])).to_payload(),
        b"short",
    ]
    assert several_words(kinds.FORCE_SAMPLES, batches) == (
        "3 × FORCE_SAMPLES: 3 samples of 0 to 2, raw counts -7 to 900, vibrating, 1 unreadable"
    )


def test_of_other_frames_of_a_second_the_last_is_told() -> None:
    acks = [messages.Ack(index, 1).to_payload() for index in (10, 20, 30)]
    assert several_words(kinds.ACK, acks) == "3 × ACK, the last: next_index 30, next_event 1"


def test_a_self_test_is_told_with_what_passes() -> None:
    rows = (
        tool_messages.SelfTestRow(kinds.TEST_EXCITATION, kinds.TEST_PASSED, 3_010, 2_900, 3_100),
        tool_messages.SelfTestRow(kinds.TEST_GRAVITY, kinds.TEST_NOT_FITTED, -(1 << 31), -(1 << 31), (1 << 31) - 1),
    )
    said = payload_words(kinds.SELF_TEST_RESULT, tool_messages.SelfTestResult(4, rows).to_payload())
    assert "excitation of the bridge: 3.01 V passed (passes: 2.9 to 3.1)" in said
    assert "gravity, by the motion sensor: not fitted" in said


def test_every_kind_that_is_always_told_is_one() -> None:
    assert set(words_of.ALWAYS_TOLD) <= set(LINK_KINDS)
