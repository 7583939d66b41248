"""One client on both carriers: what a byte stream says, messages with borders say too."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from iastm_host.events import Answer, Chunk, ForceBlock, LimitsReport, SetLimits, SetZero, ZeroReport
from iastm_host.tool import states
from iastm_host.tool.carrier import ChunkDecoder, new_decoder, wrapped
from iastm_host.tool.client import ToolClient
from iastm_host.tool.signer import Signer
from iastm_host.transports.borders import bordered
from iastm_protocol import frames, kinds, messages
from iastm_protocol.fragments import FragmentDecoder, fragments

LIMITS = SetLimits("iastm-one-hand", 11.0, 14.0, 0.8, 0.52)
KEY = bytes(range(32))
KEYS = {"F-1": KEY}


_COMMAND_AT = {kinds.COMMAND: 2, kinds.SIGNED_COMMAND: 22}


class OverMessages:
    """A link of messages between a client and a fake tool that knows byte streams only.

    `by_way` is what each way carried, as kinds of frames and commands; `chunks` is all that came.
    """

    def __init__(self, tool: Any, mtu: int, keys: dict[str, bytes] | None = None) -> None:
        self.tool = tool
        self.mtu = mtu
        self.client = ToolClient("test 1", LIMITS, signer=Signer(keys or {}))
        self.host_us = 1_000_000_000
        self.by_way: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
        self.chunks: list[Chunk] = []
        self.events: list[Any] = [*self.client.opening(), *self.client.opened(mtu)]
        self._ways = {privileged: FragmentDecoder(kinds.MAX_LINK_PAYLOAD) for privileged in (False, True)}
        self._stream = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
        self._writer = frames.BareFrameWriter(kinds.MAX_LINK_PAYLOAD)
        self._answers: list[bytes] = []

    def step(self, data: bytes = b"") -> None:
        self.host_us += 10_000
        arriving, self._answers = self._answers + self.pieces(data), []
        chunk = Chunk(self.host_us, b"".join(map(bordered, arriving)))
        self.chunks.append(chunk)
        self.events += self.client.receive(chunk)
        for privileged, sent in ((False, self.client.to_send()), (True, self.client.to_send_privileged())):
            for message in sent:
                assert len(message) <= self.mtu
                self._ways[privileged].feed(message)
            while (frame := self._ways[privileged].next_frame()) is not None:
                command = frame.payload[_COMMAND_AT[frame.kind]] if frame.kind in _COMMAND_AT else 0
                self.by_way[privileged].append((frame.kind, command))
                self.tool.now_us = self.host_us
                self._answers += self.pieces(self.tool.take(frames.encode(*frame)))

    def pieces(self, wire: bytes) -> list[bytes]:
        """Return the frames of a byte stream as messages."""
        self._stream.feed(wire)
        cut = []
        while (frame := self._stream.next_frame()) is not None:
            cut += fragments(bytes(self._writer.frame(*frame)), self.mtu)
        return cut

    def until_live(self) -> OverMessages:
        for _ in range(500):
            if self.client.state == states.STREAMING:
                return self
            self.step()
        raise AssertionError(f"{self.client.state}: {self.client.reason}")


@pytest.mark.parametrize("mtu", [20, 97, 244, 512])
def test_a_tool_is_greeted_and_its_samples_are_read_whatever_a_message_holds(fake_tool: Any, mtu: int) -> None:
    link = OverMessages(fake_tool(), mtu).until_live()
    counts = np.arange(84_213, 84_313)
    link.step(link.tool.samples(counts))
    link.step()
    (block,) = [event for event in link.events if isinstance(event, ForceBlock)]
    assert block.raw_counts is not None
    assert block.raw_counts.tolist() == counts.tolist()
    assert link.client.decoder.damaged == 0


def test_only_what_changes_the_tool_goes_by_the_encrypted_way_and_signed(fake_tool: Any) -> None:
    link = OverMessages(fake_tool(key=KEY), 20, KEYS).until_live()
    assert link.by_way[True] == [(kinds.SIGNED_COMMAND, kinds.SET_LIMITS)]
    link.client.request(SetZero(84_000))
    for _ in range(200):
        link.step()
    assert link.by_way[True] == [(kinds.SIGNED_COMMAND, kinds.SET_LIMITS), (kinds.SIGNED_COMMAND, kinds.SET_ZERO)]
    assert link.tool.zero.counts == 84_000
    open_way = set(link.by_way[False])
    assert {(kinds.HELLO, 0), (kinds.PING, 0), (kinds.COMMAND, kinds.START_STREAM)} <= open_way
    assert not {command for _, command in open_way} & {kinds.SET_LIMITS, kinds.SET_ZERO}
    assert [event.warn_n for event in link.events if isinstance(event, LimitsReport)][-1] == 11.0
    assert [event.counts for event in link.events if isinstance(event, ZeroReport)][-1] == 84_000


def test_a_privileged_request_that_is_repeated_stays_privileged(fake_tool: Any) -> None:
    tool = fake_tool(key=KEY)
    tool.mute.add((kinds.COMMAND, kinds.SET_LIMITS))
    link = OverMessages(tool, 97, KEYS)
    for _ in range(350):
        link.step()
    assert link.by_way[True] == [(kinds.SIGNED_COMMAND, kinds.SET_LIMITS)] * 3
    assert (kinds.COMMAND, kinds.SET_LIMITS) not in link.by_way[False]


@pytest.mark.parametrize("keys", [{}, {"F-1": bytes(32)}, {"F-2": KEY}])
def test_without_its_key_a_tool_is_watched_and_says_why_it_changes_nothing(
    fake_tool: Any, keys: dict[str, bytes]
) -> None:
    link = OverMessages(fake_tool(key=KEY), 97, keys).until_live()
    request_id = link.client.request(SetZero(84_000))
    for _ in range(20):
        link.step(link.tool.samples([1, 2, 3]))
    refused = [event for event in link.events if isinstance(event, Answer)]
    assert [answer.accepted for answer in refused] == [False, False]
    assert refused[-1].request_id == request_id
    assert link.tool.limits.profile == "none"
    assert link.tool.zero.counts != 84_000
    assert any(isinstance(event, ForceBlock) for event in link.events)


def test_a_limit_that_is_never_confirmed_leaves_a_tool_that_is_watched(fake_tool: Any) -> None:
    tool = fake_tool(key=KEY)
    tool.mute.add((kinds.COMMAND, kinds.SET_LIMITS))
    link = OverMessages(tool, 97, KEYS)
    for _ in range(400):
        link.step()
    assert link.client.state == states.STREAMING
    (answer,) = [event for event in link.events if isinstance(event, Answer)]
    assert not answer.accepted


def test_two_clients_of_a_run_never_sign_with_the_same_counter() -> None:
    signer = Signer(KEYS)
    counters = [messages.SignedCommand.from_payload(signer.sign("F-1", bytes(16), b"\1\0\4")).counter for _ in range(3)]
    assert counters == [1, 2, 3]
    assert signer.sign("F-2", bytes(16), b"\1\0\4") is None


def test_on_a_byte_stream_all_goes_one_way(by_hand: Any) -> None:
    hand = by_hand(limits=LIMITS)
    assert hand.client.to_send_privileged() == []
    assert any(kind == kinds.COMMAND and payload[2] == kinds.SET_LIMITS for kind, payload in hand.tool.heard)


def test_a_replay_of_the_chunks_says_the_same_again(fake_tool: Any) -> None:
    link = OverMessages(fake_tool(), 97).until_live()
    for n in range(20):
        link.step(link.tool.samples(np.arange(n, n + 40)))
    again = ToolClient("test 1", LIMITS)
    events: list[Any] = [*again.opening(), *again.opened(20)]
    for chunk in link.chunks:
        events += again.receive(chunk)
        again.to_send()
    assert [str(event) for event in events] == [str(event) for event in link.events]


def test_a_lost_message_costs_its_frame_and_no_other() -> None:
    sent = [(kinds.STATUS, n, random.Random(n).randbytes(60)) for n in range(3)]
    pieces = [wrapped(20, *frame) for frame in sent]
    del pieces[1][2]
    decoder = new_decoder(20)
    decoder.feed(b"".join(bordered(message) for frame in pieces for message in frame))
    assert [decoder.next_frame(), decoder.next_frame(), decoder.next_frame()] == [sent[0], sent[2], None]
    assert decoder.damaged == 1


def test_a_chunk_without_sensible_borders_is_damage_and_what_follows_is_read() -> None:
    decoder = ChunkDecoder(kinds.MAX_LINK_PAYLOAD)
    decoder.feed(b"\x00")
    decoder.feed(b"".join(map(bordered, wrapped(97, kinds.STATUS, 1, b"payload"))))
    assert decoder.next_frame() == (kinds.STATUS, 1, b"payload")
    assert decoder.damaged == 1
