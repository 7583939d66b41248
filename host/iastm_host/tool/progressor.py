"""A Tindeq Progressor: a hanging scale that streams kilograms over Bluetooth LE.

Commands are one byte; what it says is a tag, a length and a value, little-endian (https://tindeq.com/progressor_api/).
Only commands are sent on whose meaning all descriptions agree. It can't warn by itself, keeps no samples and numbers
none; its zero is its own, set by tare. Its clock is not that of the host, and there is no ping to compare the two by.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from iastm_host.events import (
    Answer,
    Chunk,
    Command,
    Event,
    ForceBlock,
    Gap,
    LinkChanged,
    SetLimits,
    SetZero,
    StatusReport,
    Tare,
    ToolDescription,
    Unreadable,
)
from iastm_host.tool import states
from iastm_host.tool.dialect import Dialect
from iastm_host.tool.unnumbered import Missing, Numbering, Run, Unnumbered
from iastm_host.transports.borders import messages_in

TARE, START, STOP, VERSION, BATTERY = b"\x64", b"\x65", b"\x66", b"\x6b", b"\x6f"
ANSWER, WEIGHTS, LOW_POWER = 0, 1, 4
NEWTONS_PER_KG = 9.80665
"""Standard gravity (CGPM 1901), in which kilograms of force are defined."""
MOST_KG = 1000.0
LOW_BATTERY = "battery low, it will switch itself off"
MISSING = "samples missing, as the times of those around tell: this gauge does not number them"
NO_LIMITS = "a Progressor takes no limits: it can't warn by itself"
NO_RAW_ZERO = "a Progressor takes no raw counts for its zero: tare it"
UNKNOWN_TO_IT = "a Progressor does not know this"
ASK_EVERY_US = 500_000
TRIES = 3
GIVE_UP_AFTER_US = 5_000_000
SILENT_AFTER_US = 2_000_000
# After a tare: what was under way when it was sent is passed over, then a quarter of a second must lie near zero.
TARE_TAKES_US = 300_000
TARED_US = 250_000
TARED_WITHIN_N = 0.2
TARE_PATIENCE_US = 3_000_000
_SAMPLE = np.dtype([("kg", "<f4"), ("time_us", "<u4")])
_BATTERY_MV = struct.Struct("<I")
_PRINTABLE = range(0x20, 0x7F)


@dataclass(slots=True)
class _Tare:
    """A tare under way: when it was sent, and since when the samples (tool time) lie near zero."""

    request_id: int
    sent_us: int
    near_since_us: int | None = None


class Progressor:
    """One Progressor over one link after the other; see Dialect.

    `malformed` counts notifications that broke the rules, `unknown_tags` those nobody asked for. `battery_mv` is None
    until it answered; what charge that means is not documented, so no percentage is made of it.
    """

    def __init__(self, numbering: Numbering | None = None) -> None:
        self.state = states.CLOSED
        self.reason = ""
        self.tool: ToolDescription | None = None
        self.hopeless = False
        self.malformed = 0
        self.unknown_tags = 0
        self.battery_mv: int | None = None
        self._version = ""
        self._samples = Unnumbered(numbering)
        self._outgoing: list[bytes] = []
        self._steps: list[bytes] = []
        # The command that an answer would answer, when it was sent last, and how often.
        self._asked: bytes | None = None
        self._sent_us = 0
        self._tries = 0
        self._greeting_us: int | None = None
        self._weighed_us: int | None = None
        self._low_power = False
        self._received_bytes = 0
        self._unreadable = ""
        self._now_us = 0
        self._request_id = 0
        self._answers: list[Answer] = []
        self._tare: _Tare | None = None

    @property
    def numbering(self) -> Numbering | None:
        """How far its samples are numbered, None before the first."""
        return self._samples.numbering

    def seeking(self) -> list[Event]:
        """Tell that the gauge is looked for, before its first link."""
        return self._move(states.SEEKING)

    def opening(self) -> list[Event]:
        """Tell that the link is being opened, for the first time or again."""
        self._outgoing = []
        return self._move(states.OPENING)

    def opened(self, mtu: int | None = None) -> list[Event]:
        """Tell that the link is open; the next chunk starts the greeting. All messages fit every link."""
        del mtu
        self._greeting_us = None
        self._weighed_us = None
        self._samples.new_link()
        return self._move(states.OPENED)

    def broken(self, reason: str) -> list[Event]:
        """Tell that the link is gone, and why."""
        return [*self._end_tare("the link broke"), *self._move(states.BROKEN, reason)]

    def finished(self) -> list[Event]:
        """Tell that the link was closed on purpose or its replay ended."""
        return [*self._end_tare("the run ended"), *self._move(states.FINISHED)]

    def receive(self, chunk: Chunk) -> list[Event]:
        """Take one chunk; return what it says, in order."""
        self._now_us = chunk.host_us
        if self.state == states.GREETING and self._greeting_us is None:
            self._ask_who()
        events: list[Event] = []
        self._received_bytes += len(chunk.data)
        try:
            for message in messages_in(chunk.data):
                events += self._on_message(message)
        except ValueError as error:
            events.append(self._damage(str(error)))
        events += self._time_passed()
        answers, self._answers = self._answers, []
        return [*events, *answers]

    def request(self, command: Command) -> int:
        """Tare, or refuse; return the id under which the Answer will come.

        A tare is accepted once the readings lie near zero, since nothing else confirms it.
        """
        self._request_id += 1
        if isinstance(command, Tare) and self.state == states.STREAMING and self._tare is None:
            self._outgoing.append(TARE)
            self._tare = _Tare(self._request_id, self._now_us)
        else:
            self._answers.append(Answer(self._request_id, False, _refusal(command)))
        return self._request_id

    def fetch(self, first_index: int, samples: int) -> None:
        """Do nothing: it keeps no samples."""

    def acknowledge(self, next_index: int, *, fetching: bool = False) -> None:
        """Do nothing: it keeps no samples."""

    def take_over(self, other: Dialect) -> None:
        """Wait for the answers that `other`, an earlier one of the same gauge, still waits for."""
        if isinstance(other, Progressor):
            self._tare, self._answers, self._request_id = other._tare, other._answers, other._request_id
            self._low_power = other._low_power

    def stop_stream(self) -> None:
        """Ask the gauge to stop measuring."""
        self._outgoing.append(STOP)

    def to_send(self) -> list[bytes]:
        """Return the messages to send, one after the other."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def to_send_privileged(self) -> list[bytes]:
        """Return nothing: all goes one way."""
        return []

    # Time

    def _ask_who(self) -> None:
        self._greeting_us = self._now_us
        self._received_bytes = 0
        self._steps = [BATTERY, START]
        self._ask(VERSION)

    def _ask(self, command: bytes, tries: int = 1) -> None:
        self._asked = command
        self._sent_us = self._now_us
        self._tries = tries
        if command != START or self._weighed_us is None or tries > 1:
            self._outgoing.append(command)

    def _time_passed(self) -> list[Event]:
        now = self._now_us
        if self.state in (states.GREETING, states.SILENT):
            greeting_us = self._greeting_us if self._greeting_us is not None else now
            if now - greeting_us >= GIVE_UP_AFTER_US:
                return self._move(states.NO_ANSWER, self._what_was_seen())
            if now - self._sent_us >= ASK_EVERY_US:
                self._ask(VERSION)
            return []
        if self.state == states.SYNCHRONISING:
            return self._repeat_step()
        if self.state != states.STREAMING:
            return []
        if self._weighed_us is not None and now - self._weighed_us >= SILENT_AFTER_US:
            self._weighed_us = None
            self._ask_who()
            return [*self._end_tare("the gauge fell silent"), *self._move(states.FELL_SILENT)]
        if self._tare is not None and now - self._tare.sent_us >= TARE_PATIENCE_US:
            return self._end_tare(f"its reading did not come to zero within {TARE_PATIENCE_US / 1e6:g} s")
        return []

    def _repeat_step(self) -> list[Event]:
        since_us = self._sent_us
        if self._asked == START and self._weighed_us is not None:
            since_us = max(since_us, self._weighed_us)
        if self._asked is None or self._now_us - since_us < ASK_EVERY_US:
            return []
        if self._tries < TRIES:
            self._ask(self._asked, self._tries + 1)
            return []
        if self._asked == START:
            why = f": {self._unreadable}" if self._unreadable else ""
            return self._move(states.NO_ANSWER, f"The gauge answers but sends no weights that can be read{why}.")
        # Its version and battery are good to know and no more.
        self._next_step()
        return []

    def _what_was_seen(self) -> str:
        limit_s = GIVE_UP_AFTER_US / 1e6
        if not self._received_bytes:
            return f"Nothing came within {limit_s:g} s."
        return f"{self._received_bytes} bytes came within {limit_s:g} s, but nothing that a Progressor says."

    # The handshake: version, battery, start. What is answered is the last command, so each waits for the one before.
    # A gauge that streams already is not started again, which might set its clock back.

    def _next_step(self) -> None:
        self._ask(self._steps.pop(0))

    def _greeted(self) -> list[Event]:
        if self.state not in (states.GREETING, states.SILENT):
            return []
        events: list[Event] = []
        if self._low_power:
            self._low_power = False
            events.append(_status(()))
        return [*events, *self._move(states.GREETED, "Starting its measurement")]

    # What it says

    def _on_message(self, message: bytes) -> list[Event]:
        if len(message) < 2:
            return [self._damage(f"{len(message)} bytes")]
        tag, length, value = message[0], message[1], message[2:]
        if tag == LOW_POWER:
            greeted = self._greeted()
            self._low_power = True
            volts = "" if self.battery_mv is None else f" ({self.battery_mv / 1000:.1f} V when it was asked)"
            return [*greeted, _status((LOW_BATTERY + volts,))]
        if tag not in (ANSWER, WEIGHTS):
            self.unknown_tags += 1
            return []
        if length != len(value):
            return [self._damage(f"{len(value)} bytes where {length} are stated")]
        return self._on_answer(value) if tag == ANSWER else self._on_weights(value)

    def _on_answer(self, value: bytes) -> list[Event]:
        asked = self._asked
        if asked == VERSION:
            self._version = "".join(chr(byte) for byte in value if byte in _PRINTABLE)
        elif asked == BATTERY and len(value) == _BATTERY_MV.size:
            (self.battery_mv,) = _BATTERY_MV.unpack(value)
        else:
            # Nobody asked, or it answers what was asked before.
            return []
        events = [*self._greeted(), *self._described()]
        self._next_step()
        return events

    def _on_weights(self, value: bytes) -> list[Event]:
        if len(value) % _SAMPLE.itemsize or not value:
            return [self._damage(f"{len(value)} bytes of weights, of which each takes {_SAMPLE.itemsize}")]
        samples = np.frombuffer(value, _SAMPLE)
        kg = samples["kg"].astype(np.float64)
        # Written so that what is no number fails too.
        if not (np.abs(kg) <= MOST_KG).all():
            return [self._damage("weights that no gauge can hold")]
        dismissed = self._samples.dismissed
        try:
            told = self._samples.add(self._now_us, samples["time_us"].tolist(), kg * NEWTONS_PER_KG)
        except ValueError as error:
            return [self._damage(str(error))]
        self._weighed_us = self._now_us
        events = self._greeted()
        if self._samples.dismissed > dismissed:
            events.append(self._damage("times that fit nothing before and after them"))
        for piece in told:
            events += self._described(piece.boot_id)
            events.append(_gap(piece) if isinstance(piece, Missing) else _block(piece))
            if isinstance(piece, Run):
                events += self._watch_tare(piece)
        if told and self._asked == START:
            self._asked = None
            events += self._move(states.SYNCHRONISED)
        return events

    def _described(self, boot_id: int | None = None) -> list[Event]:
        """Return who it is where that is known and was not said of it yet."""
        if boot_id is None:
            boot_id = self.tool.boot_id if self.tool is not None else None
        if boot_id is None or self._samples.period_us is None:
            return []
        tool = ToolDescription(
            firmware_version=self._version,
            source_hash="",
            board="Progressor",
            runtime="",
            serial_number="",
            boot_id=boot_id,
            rate_hz=1e6 / self._samples.period_us,
            ring_depth=0,
            calibration_id="",
            calibration_sha256="",
            simulated=False,
            protocol="progressor",
            warns=False,
            tares=True,
        )
        if tool == self.tool:
            return []
        self.tool = tool
        return [tool]

    def _watch_tare(self, run: Run) -> list[Event]:
        tare = self._tare
        if tare is None or self._now_us - tare.sent_us < TARE_TAKES_US:
            return []
        if np.abs(run.values).max() > TARED_WITHIN_N:
            tare.near_since_us = None
            return []
        if tare.near_since_us is None:
            tare.near_since_us = run.tool_us
        if run.tool_us + len(run.values) * run.period_us - tare.near_since_us < TARED_US:
            return []
        self._tare = None
        return [Answer(tare.request_id, True, "done")]

    def _end_tare(self, why: str) -> list[Event]:
        tare, self._tare = self._tare, None
        return [] if tare is None else [Answer(tare.request_id, False, why)]

    def _damage(self, why: str) -> Unreadable:
        self.malformed += 1
        self._unreadable = why
        return Unreadable(self.malformed, why)

    def _move(self, happening: str, reason: str = "") -> list[Event]:
        state = states.after(self.state, happening)
        reason = reason or states.REASONS[happening]
        if (state, reason) == (self.state, self.reason):
            return []
        if state in (states.REFUSED, states.LOST, states.ENDED):
            self._asked = None
        self.state = state
        self.reason = reason
        return [LinkChanged(state, reason)]


def _refusal(command: Command) -> str:
    if isinstance(command, SetLimits):
        return NO_LIMITS
    if isinstance(command, Tare):
        return "it is not streaming, or another tare is under way"
    return NO_RAW_ZERO if isinstance(command, SetZero) else UNKNOWN_TO_IT


def _block(run: Run) -> ForceBlock:
    return ForceBlock(
        run.boot_id, run.first_index, run.tool_us, run.period_us, run.values, None, 0, run.heard_us, backfilled=False
    )


def _gap(missing: Missing) -> Gap:
    return Gap(missing.boot_id, missing.first_index, missing.count, missing.tool_us, missing.period_us, MISSING)


def _status(faults: tuple[str, ...]) -> StatusReport:
    return StatusReport(0, None, None, faults, 0, 0, 0, 0)
