"""The committed vectors are what their script writes, and agree with bytes worked out another way."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from iastm_host.records.entries import EntryReader, encode_entry
from iastm_protocol import kinds

PROTOCOL = Path(__file__).resolve().parents[2] / "protocol"
VECTORS = PROTOCOL / "vectors"
FILES = (
    "messages.json",
    "frames.json",
    "damaged.json",
    "fragments.json",
    "strokes.json",
    "limits.json",
    "glitches.json",
    "conversion.json",
    "signing.json",
    "stored.json",
)


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vectors_make", VECTORS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def test_every_file_of_vectors_has_a_maker(make: ModuleType) -> None:
    assert sorted(make.MAKERS) == sorted(FILES) == sorted(path.name for path in VECTORS.glob("*.json"))


@pytest.mark.parametrize("name", FILES)
def test_writing_the_vectors_again_gives_the_same_bytes(make: ModuleType, name: str) -> None:
    assert make.render(name) == (VECTORS / name).read_text(encoding="utf-8")


def test_the_sessions_in_the_specification_are_those_the_script_writes(make: ModuleType) -> None:
    spec = (PROTOCOL / "SPEC.md").read_text(encoding="utf-8")
    assert make.with_sessions(spec) == spec
    assert make.with_sessions(spec.replace("> 00 03 03", "> 00 03 04")) == spec


def test_every_frame_agrees_with_a_plain_encoder(plain: SimpleNamespace) -> None:
    frames = read("frames.json")
    cases = read("messages.json")["messages"] + frames["frames"] + frames["recording_entries"]
    for case in cases:
        wire = plain.wire(case["kind"], case["sequence"], bytes.fromhex(case["payload_hex"]))
        assert wire.hex() == case["wire_hex"], case["name"]


def test_cobs_agrees_with_a_plain_encoder(plain: SimpleNamespace) -> None:
    for case in read("frames.json")["cobs"]:
        assert plain.stuff(bytes.fromhex(case["raw_hex"])).hex() == case["stuffed_hex"], case["name"]


def test_the_plain_encoder_agrees_with_published_examples(plain: SimpleNamespace) -> None:
    assert plain.crc32(b"123456789") == 0xCBF43926
    # Examples of Cheshire and Baker's encoding as commonly printed.
    for raw, stuffed in (
        ("00", "0101"),
        ("0000", "010101"),
        ("001100", "01021101"),
        ("11220033", "0311220233"),
        ("11223344", "0511223344"),
        ("11000000", "0211010101"),
    ):
        assert plain.stuff(bytes.fromhex(raw)).hex() == stuffed
    full = bytes(range(1, 255))
    assert plain.stuff(b"\x00" + full) == b"\x01\xff" + full + b"\x01"
    assert plain.stuff(full + b"\xff") == b"\xff" + full + b"\x02\xff"
    assert plain.stuff(full[1:] + b"\xff\x00") == b"\xff" + full[1:] + b"\xff" + b"\x01\x01"


def test_the_hosts_recordings_are_those_of_the_vectors() -> None:
    cases = [case for case in read("frames.json")["recording_entries"] if case["kind"] in (kinds.RECEIVED, kinds.NOTE)]
    payloads = [bytes.fromhex(case["payload_hex"]) for case in cases]
    wires = [bytes.fromhex(case["wire_hex"]) for case in cases]
    for case, payload, wire in zip(cases, payloads, wires, strict=True):
        host_us = int.from_bytes(payload[:8], "little")
        assert encode_entry(case["kind"], case["sequence"], host_us, payload[8:]) == wire
    entries = list(EntryReader(io.BytesIO(b"".join(wires))))
    assert [(entry.kind, entry.data) for entry in entries] == [
        (case["kind"], payload[8:]) for case, payload in zip(cases, payloads, strict=True)
    ]


def test_the_host_skips_frames_of_a_link_in_a_recording_and_counts_no_damage() -> None:
    wires = [bytes.fromhex(case["wire_hex"]) for case in read("frames.json")["recording_entries"]]
    (foreign,) = (case for case in read("messages.json")["messages"] if case["name"] == "ping")
    alone, between = (EntryReader(io.BytesIO(joint.join(wires))) for joint in (b"", bytes.fromhex(foreign["wire_hex"])))
    assert list(between) == list(alone)
    assert (between.damaged, between.torn_bytes) == (0, 0)


BY_HAND = {
    # index 6400 = 0x1900; 20,000,000 µs = 0x01312D00; span 18,750 = 0x493E; then 24-bit counts, low byte first.
    "force samples": "00190000 002d31010000 3e490000 00 000000 010000 ffffff ffff7f 000080 40e201 c01dfe",
    "force samples, one": "00000000 000000000000 00000000 00 000000",
    # −2048 = 0xFFFFF800; 640 = 0x280; confirmed.
    "zero": "00f8ffff 80020000 00000000 01",
    # 11,000 = 0x2AF8; 14,000 = 0x36B0; 800 = 0x320; 520 = 0x208; "iastm-one-hand" has 14 letters.
    "limits": "0e 696173746d2d6f6e652d68616e64 f82a0000 b0360000 20030000 08020000",
    "ping": "0100",
    # 20,000,123 = 0x01312D7B.
    "fetch": "c0040000 f2020000",
    "ack": "00190000 03000000",
    "pong": "0100 7b2d31010000",
    "pong, greatest": "ffff ffffffffffff",
    "command, start stream": "0100 01",
    "command, set zero": "0400 04 00f8ffff",
    "command, get key": "0600 06",
    "response, accepted": "0400 04 00 00",
    "key": "404142434445464748494a4b4c4d4e4f 505152535455565758595a5b5c5d5e5f",
    # 20,037,500 = 0x0131BF7C; 1,441,800 = 0x160008.
    "alert, warn": "01 0c190000 7cbf31010000 08001600",
    "tool event, boot": "01000000 01 00000000 000000000000 00000000",
    # 12; 6400; 6719 = 0x1A3F; 6500 = 0x1964; 820,000 = 0x0C8320; 180,000,000 = 0x0ABA9500; 30,500 = 0x7724.
    "stroke": "0c000000 00190000 3f1a0000 64190000 20830c00 0095ba0a00000000 00 24770000",
    # 19,200 = 0x4B00; 87 = 0x57; 31.10 °C = 3110 = 0x0C26; 98,304 = 0x18000; 60 = 0x3C.
    "status": "004b0000 57 260c 00000000 00000000 00000000 0000 0000 00800100 3c000000 03000000",
    # 0.0 and −0.0 and 1.0 as binary64: 1.0 is 0x3FF0000000000000.
    "calibration, no name, no capacity": "00" + "00" * 32 + "0000000000000000 02 0000000000000080 000000000000f03f"
    " 00000000 00000000",
    # 440 = 0x1B8; 9876 = 0x2694; 472 = 0x1D8; 944 = 0x3B0.
    "command, begin calibration": "0900 08 94260000",
    "command, calibration part": "0a00 09 b8010000 7b22736368656d61223a31",
    "command, get calibration": "0c00 0b b0030000 d801",
    "stored part": "b0030000 94260000 22706f696e7473223a5b",
    # 472 = 0x1D8; 120 = 0x78; 3,600,000 = 0x36EE80.
    "command, get log": "0d00 0c d8010000 d801",
    "command, self-test": "0f00 0d",
    "command, set channels": "1000 0e 05",
    "command, silence": "1100 0f 7800",
    "command, set dose limit": "1200 10 80ee3600",
    "command, reset dose": "1300 11",
    # 3550 = 0xDDE; −1200 = 0xFB50; moving is bit 2.
    "motion": "00190000 002d31010000 de0d 50fb 04",
    # −1 = 0xFF; 140 = 0x8C.
    "stroke motion": "0c000000 01 ff 8c00 00",
    # 3875 = 0xF23; 319,480 = 0x4DFF8; 112 = 0x70; 1,250,000 = 0x1312D0; 298 = 0x12A.
    "health": "230f f8df0400 7000 02000000 01000000 d0121300 80ee3600 2a01",
    "channels, silenced": "07 05 5f00",
    # 1310 = 0x51E.
    "log part": "00000000 1e050000 23207374617274203132 2c2033363731 20733a2068756e670a",
    # 640 = 0x280; 5000 = 0x1388; −250,000 = 0xFFFC2F70; 131,072 = 0x20000.
    "self-test result": "0f00 03 01 00 80020000 01000000 88130000 02 01 702ffcff 0000feff 00000200"
    " 04 02 00000000 00000000 00000000",
    "tool event, long press": "04000000 06 00190000 002d31010000 03000000",
    "alert, dose": "03 0c190000 7cbf31010000 08001600",
    "hello": "49415354 01 02 0b 696173746d20302e312e30 0100ed5e",
}


@pytest.mark.parametrize("name", BY_HAND)
def test_payloads_agree_with_bytes_worked_out_by_hand(name: str) -> None:
    case = next(case for case in read("messages.json")["messages"] if case["name"] == name)
    assert case["payload_hex"] == BY_HAND[name].replace(" ", "")


def test_a_ping_agrees_with_a_wire_worked_out_by_hand(plain: SimpleNamespace) -> None:
    case = next(case for case in read("messages.json")["messages"] if case["name"] == "ping")
    # Sequence 9; the zeros stand at the high bytes of the sequence and of the id.
    crc = plain.crc32(bytes.fromhex("0309000100")).to_bytes(4, "little")
    assert bytes.fromhex(case["wire_hex"]) == bytes.fromhex("00 03 0309 02 01 05") + crc + b"\x00"
