"""Commands for the calibration that a tool keeps: nothing counts as done that was not heard, nor heard twice as two."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from tests.host.conftest import COUNTS_PER_N, ZERO_COUNTS, ByHand, FakeTool

from iastm_host.events import (
    Answer,
    BeginCalibration,
    CalibrationPart,
    CalibrationReport,
    ForceBlock,
    GetCalibration,
    KeepCalibration,
    Problem,
)
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.tool.signer import Signer
from iastm_protocol import calibration_bodies, kinds, messages
from iastm_protocol.messages import Command

_STORED = bytes(range(256)) * 3


class _Keeper(FakeTool):
    """A tool that keeps a calibration; `loses` are kinds of frames that get lost once each on their way to the host."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.coming = b""
        self.stored = b""
        self.loses: list[int] = []

    def wire(self, kind: int, message: Any) -> bytes:
        if kind in self.loses:
            self.loses.remove(kind)
            return b""
        return super().wire(kind, message)

    def change_calibration(self) -> bytes:
        """Halve the slope from the next conversion on."""
        coefficients = (0.0, self.calibration.coefficients[1] / 2)
        self.calibration = self.calibration._replace(
            calibration_id="kept", coefficients=coefficients, expires_day=21_143, from_index=self.next_index
        )
        return self.wire(kinds.CALIBRATION, self.calibration)

    def _obey(self, command: Command) -> bytes:
        if command.command == kinds.BEGIN_CALIBRATION:
            self.coming = b""
            return b""
        if command.command == kinds.CALIBRATION_PART:
            offset, data = calibration_bodies.read_calibration_part_body(command.body)
            assert offset == len(self.coming)
            self.coming += data
            return b""
        if command.command == kinds.KEEP_CALIBRATION:
            sha256 = calibration_bodies.read_keep_calibration_body(command.body)
            assert sha256 == hashlib.sha256(self.coming).digest()
            if self.stored == self.coming:
                return self.wire(kinds.CALIBRATION, self.calibration)
            self.stored = self.coming
            return self.change_calibration()
        if command.command == kinds.GET_CALIBRATION:
            offset, n = calibration_bodies.read_get_calibration_body(command.body)
            part = messages.StoredPart(offset, len(self.stored), self.stored[offset:][: min(n, 472)])
            return self.wire(kinds.STORED_PART, part)
        return super()._obey(command)

    def _command(self, command: Command) -> bytes:
        if command.command in (kinds.KEEP_CALIBRATION, kinds.GET_CALIBRATION):
            # What it sent with its answer may not have arrived: it says it again.
            self._last = None
        return super()._command(command)


def _live(tool: FakeTool) -> ByHand:
    return ByHand(tool, ToolClient("test 1")).until(states.STREAMING)


def _answer(hand: ByHand, command: Any, steps: int = 500) -> Answer:
    request_id = hand.client.request(command)
    for _ in range(steps):
        for event in hand.step():
            if isinstance(event, Answer) and event.request_id == request_id:
                return event
    raise AssertionError("no answer")


def _write(hand: ByHand) -> Answer:
    assert _answer(hand, BeginCalibration(len(_STORED))).accepted
    for at in range(0, len(_STORED), 300):
        assert _answer(hand, CalibrationPart(at, _STORED[at : at + 300])).accepted
    return _answer(hand, KeepCalibration(hashlib.sha256(_STORED).digest()))


def test_a_calibration_is_written_kept_and_given_back() -> None:
    tool = _Keeper()
    hand = _live(tool)
    assert _answer(hand, GetCalibration(0, 500)).total == 0
    assert _write(hand).accepted
    assert tool.stored == _STORED
    found = b""
    while len(found) < len(_STORED):
        answer = _answer(hand, GetCalibration(len(found), 500))
        assert (answer.accepted, answer.total) == (True, len(_STORED))
        found += answer.data
    assert found == _STORED
    report = hand.of(CalibrationReport)[-1]
    assert (report.calibration_id, report.expires_day, report.from_index) == ("kept", 21_143, tool.next_index)


def test_samples_before_it_keep_the_calibration_of_then_whenever_they_come() -> None:
    tool = _Keeper(keeps=1000)
    hand = _live(tool)
    counts = [ZERO_COUNTS + COUNTS_PER_N] * 8
    hand.step(tool.samples(counts))
    tool.samples(counts)
    hand.step(tool.change_calibration() + tool.samples(counts))
    # What was lost on the way comes after.
    hand.client.fetch(0, 16)
    for _ in range(5):
        hand.step()
    blocks = hand.of(ForceBlock)
    found = {(block.first_index, block.backfilled): set(block.force_n.round(9).tolist()) for block in blocks}
    assert found == {(0, False): {1.0}, (16, False): {0.5}, (0, True): {1.0}}
    # Another boot begins anew.
    again = _live(_Keeper(boot_id=9, keeps=1000))
    again.step(again.tool.samples(counts))
    assert set(again.of(ForceBlock)[-1].force_n.round(9).tolist()) == {1.0}


def test_a_keep_whose_calibration_was_lost_is_asked_again_until_it_is_heard() -> None:
    tool = _Keeper()
    hand = _live(tool)
    before = len(hand.of(CalibrationReport))
    tool.loses = [kinds.CALIBRATION]
    assert _write(hand).accepted
    kept = [payload for kind, payload in tool.heard if kind == kinds.COMMAND and payload[2] == kinds.KEEP_CALIBRATION]
    assert len(kept) == 2
    assert kept[0] == kept[1]
    assert [report.calibration_id for report in hand.of(CalibrationReport)[before:]] == ["kept"]
    hand.step(tool.samples([ZERO_COUNTS + COUNTS_PER_N] * 4))
    assert set(hand.of(ForceBlock)[-1].force_n.round(9).tolist()) == {0.5}


def test_a_piece_that_was_lost_is_asked_again_and_no_older_one_taken_for_it() -> None:
    tool = _Keeper()
    hand = _live(tool)
    _write(hand)
    assert _answer(hand, GetCalibration(0, 100)).data == _STORED[:100]
    tool.loses = [kinds.STORED_PART]
    assert _answer(hand, GetCalibration(100, 100)).data == _STORED[100:200]
    tool.loses = [kinds.STORED_PART]
    assert _answer(hand, GetCalibration(100, 50)).data == _STORED[100:150]


def test_a_change_by_another_host_whose_calibration_was_lost_is_asked_for() -> None:
    tool = _Keeper()
    hand = _live(tool)
    hand.step(tool.samples([ZERO_COUNTS] * 4))
    tool.loses = [kinds.CALIBRATION]
    hand.step(tool.change_calibration() + tool.happen(kinds.EVENT_CALIBRATION))
    for _ in range(300):
        hand.step()
    assert [report.calibration_id for report in hand.of(CalibrationReport)][-1] == "kept"
    hand.step(tool.samples([ZERO_COUNTS + COUNTS_PER_N] * 4))
    assert set(hand.of(ForceBlock)[-1].force_n.round(9).tolist()) == {0.5}


def test_a_change_that_was_heard_is_not_asked_for_again() -> None:
    tool = _Keeper()
    hand = _live(tool)
    hand.step(tool.samples([ZERO_COUNTS] * 4))
    asked = len([1 for kind, _ in tool.heard if kind == kinds.COMMAND])
    hand.step(tool.change_calibration() + tool.happen(kinds.EVENT_CALIBRATION))
    for _ in range(300):
        hand.step()
    assert len([1 for kind, _ in tool.heard if kind == kinds.COMMAND]) == asked


def test_a_tool_that_refuses_is_heard_in_its_own_words() -> None:
    tool = _Keeper()
    hand = _live(tool)
    tool.refuse = {kinds.BEGIN_CALIBRATION: (kinds.NOT_ALLOWED, "lift the tool")}
    answer = _answer(hand, BeginCalibration(9))
    assert (answer.accepted, answer.reason) == (False, "lift the tool")


@pytest.mark.parametrize(
    "command", [BeginCalibration(-1), CalibrationPart(2**32, b""), KeepCalibration(b"short"), GetCalibration(0, 70_000)]
)
def test_what_does_not_fit_the_protocol_is_a_problem(command: Any) -> None:
    hand = _live(_Keeper())
    with pytest.raises(Problem, match="can't be told this"):
        hand.client.request(command)


def test_with_a_key_what_changes_the_tool_is_signed_and_what_is_read_is_not() -> None:
    tool = _Keeper(key=bytes(range(32)))
    hand = ByHand(tool, ToolClient("test 1", signer=Signer({"F-1": tool.key}))).until(states.STREAMING)
    _write(hand)
    _answer(hand, GetCalibration(0, 9))
    heard = [payload for kind, payload in tool.heard if kind == kinds.SIGNED_COMMAND]
    signed = [Command.from_payload(messages.SignedCommand.from_payload(each).command).command for each in heard]
    assert set(signed) == {kinds.BEGIN_CALIBRATION, kinds.CALIBRATION_PART, kinds.KEEP_CALIBRATION}
