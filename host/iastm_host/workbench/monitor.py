"""What comes from a tool, or from a board that is none yet, as lines for whoever finds out what it does.

Without I/O or clock: chunks in, lines and bytes to send out. Nothing on the tool is changed: it is greeted, asked for
its log and to stream, because only then it tells its faults; no limits are set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from iastm_host.events import (
    Answer,
    CalibrationReport,
    Channels,
    Chunk,
    Event,
    ForceBlock,
    Health,
    LimitsReport,
    LinkChanged,
    Motion,
    StatusReport,
    ZeroReport,
)
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.tool.frame_words import (
    ALWAYS_TOLD,
    FREQUENT,
    HOSTS_KINDS,
    frame_words,
    kind_name,
    payload_words,
    several_words,
)
from iastm_host.tool.plain_text import plain, plain_lines
from iastm_host.tool.quiet_hello import CLEAR_LINE, RAW_PROMPT, comes_back_at_a_prompt, quiet_hello
from iastm_host.tool.splitter import DamageSeen, FrameSeen, Piece, TextSeen, new_splitter
from iastm_host.transports.borders import bordered
from iastm_host.workbench.monitor_hints import Hints
from iastm_host.workbench.monitor_log import LogWatch
from iastm_host.workbench.monitor_samples import Samples
from iastm_host.workbench.monitor_words import event_words, many

GREET_AFTER_US = 300_000
# A program that prints is not spoken to before it was quiet for so long, and for so many times its longest pause.
QUIET_US = 1_500_000
_PAUSES = 3
_PROGRAM_PRINTS = 3
LISTENED_US = 5_000_000
GREET_AGAIN_US = 10_000_000
FRAMES_EVERY_US = 1_000_000
# A jump of the sequence by more is a tool that counts anew.
_MOST_LOST_FRAMES = 1000
_SHOWN_BYTES = 24
_ECHOES = "This port echoes what is sent, and nobody answers: a plug that joins its two wires, or a program that does."
_ONLY_LISTENED = "Nothing came. A tool says nothing until it is asked: leave --listen out to ask it."
_SOMEBODY_ELSES = "A program of somebody else's prints here. It is not spoken to while it goes on."
_NOTHING = (
    "Nothing came at all. Is it the right port, does the cable carry data, and is the board on? "
    "A board in its bootloader says nothing either: iastm flash finds it."
)
_NOT_READABLE = (
    "What comes is neither text nor frames: perhaps another program's, or a UART at another speed than 115200 baud."
)


class FrameLines(StrEnum):
    """Which frames are shown decoded."""

    NONE = "none"
    SUMMARISED = "summarised"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, what it is about (one word), and its words."""

    host_us: int
    topic: str
    words: str


class Monitor:
    """The monitor of one link; `client` greets with no limits to set, None only listens."""

    def __init__(self, client: ToolClient | None, shown: FrameLines = FrameLines.NONE) -> None:
        self._client = client
        # Who says nothing hears little: what comes is shown whole.
        self._shown = FrameLines.ALL if client is None and shown == FrameLines.NONE else shown
        self._mtu: int | None = None
        self._splitter = new_splitter(None)
        self._sent_splitter = new_splitter(None)
        self._hints = Hints()
        self._log = LogWatch(client.request) if client is not None else None
        self._now_us = 0
        self._began_us: int | None = None
        self._greet_us: int | None = None
        self._greeted = False
        self._tool_is_there = False
        self._sequence: int | None = None
        self._last_frame = ""
        self._faults: tuple[str, ...] | None = None
        self._described: dict[type, Event] = {}
        self._quiet_hello = b""
        self._echoes = False
        self._clears_line = b""
        self._printed_us: int | None = None
        self._prints = 0
        self._longest_pause_us = 0
        self._samples = Samples()
        # Of frequent kinds what went this way or that since the last summary.
        self._several: dict[tuple[str, int], list[bytes]] = {}
        self._several_us = 0
        self.frames = 0
        self.damaged = 0
        self.text_bytes = 0

    def opened(self, now_us: int, mtu: int | None) -> list[Line]:
        """Tell that the link is open, for the first time or again."""
        self._now_us = now_us
        self._began_us = now_us if self._began_us is None else self._began_us
        self._mtu = mtu
        self._splitter, self._sent_splitter = new_splitter(mtu), new_splitter(mtu)
        self._sequence = None
        self._last_frame = ""
        self._greeted = False
        self._tool_is_there = False
        self._greet_us = None if self._client is None else now_us + (GREET_AFTER_US if mtu is None else 0)
        listening = "; nothing is said to it" if self._client is None else ""
        return [self._line("link", f"open{listening}")]

    def receive(self, chunk: Chunk) -> list[Line]:
        """Take what came, return what there is to show; what is to be sent is given by `to_send`."""
        self._now_us = chunk.host_us
        pieces = self._splitter.feed(chunk.data) if chunk.data else self._splitter.silence()
        lines = list(self._pieces(pieces))
        client = self._client
        if client is None:
            return [*lines, *self._only_listened(), *self._due()]
        self._greet_if_due(client)
        if self._greeted:
            events = client.receive(chunk)
            lines += self._events(client, events)
            if self._log is not None and client.state == states.STREAMING and client.tool and client.tool.keeps_log:
                self._log.look(self._now_us)
        return [*lines, *self._due()]

    def to_send(self) -> tuple[list[bytes], list[Line]]:
        """Return the bytes to send, message by message, and what is to be shown of them."""
        if self._client is None:
            return [], []
        outgoing = self._client.to_send()
        if not self._greeted:
            # What was thought of before the board turned out to be at its prompt.
            outgoing = []
        if self._mtu is None and not self._tool_is_there:
            outgoing = self._quiet(outgoing)
        lines: list[Line] = []
        if self._shown != FrameLines.NONE:
            for data in outgoing:
                pieces = self._sent_splitter.feed(data if self._mtu is None else bordered(data))
                for piece in pieces:
                    if isinstance(piece, FrameSeen):
                        lines += self._decoded("→", piece)
        if self._clears_line:
            outgoing.append(self._clears_line)
            self._clears_line = b""
        return outgoing, lines

    def broken(self, now_us: int, reason: str) -> list[Line]:
        """Tell that the link is gone, and why."""
        self._now_us = now_us
        lines = [*self._pieces(self._splitter.finish()), *self._due(whole=True)]
        if self._client is not None and self._greeted:
            self._client.broken(reason)
        self._greeted = False
        self._faults = None
        self._described.clear()
        return [*lines, self._line("link", f"gone: {reason}")]

    def at_prompt(self, now_us: int) -> list[Line]:
        """Tell that a person goes to the tool's prompt: its stream is to stop, and nothing is asked from here on."""
        self._now_us = now_us
        if self._client is not None and self._greeted:
            self._client.stop_stream()
        return list(self._due(whole=True))

    def left_tool(self) -> None:
        """Tell that what was to be sent is sent, and the tool is no longer spoken to."""
        if self._client is not None and self._greeted:
            self._client.broken("at its prompt")
        self._greeted = False
        self._greet_us = None

    def back(self, now_us: int) -> None:
        """Tell that the prompt was left: the tool is greeted once it is quiet."""
        self._now_us = now_us
        self._splitter, self._sent_splitter = new_splitter(self._mtu), new_splitter(self._mtu)
        self._sequence = None
        self._tool_is_there = False
        self._greet_us = None if self._client is None else now_us + QUIET_US

    def end(self, now_us: int) -> list[Line]:
        """End: return what is left, and what came in all. A stream that runs is to be stopped, see `to_send`."""
        self._now_us = now_us
        lines = [*self._pieces(self._splitter.finish()), *self._due(whole=True)]
        if self._client is not None and self._greeted and self._client.state == states.STREAMING:
            self._client.stop_stream()
        seconds = (now_us - (self._began_us if self._began_us is not None else now_us)) / 1e6
        told = f"{seconds:.1f} s: {many(self.frames, 'frame')}, {self.damaged} damaged"
        told += f", {many(self._samples.total, 'sample')}, {many(self.text_bytes, 'byte')} of text"
        return [*lines, self._line("end", told)]

    # Speaking

    def _greet_if_due(self, client: ToolClient) -> None:
        if self._greet_us is None or self._now_us < self._greet_us:
            return
        self._greet_us = None
        self._greeted = True
        self._tool_is_there = False
        client.opening()
        client.opened(self._mtu)

    def _refused(self, client: ToolClient) -> None:
        self._greeted = False
        if not client.hopeless and not self._hints.at_prompt:
            self._greet_us = self._now_us + GREET_AGAIN_US

    def _quiet(self, outgoing: list[bytes]) -> list[bytes]:
        """Return what of it may go to a board that did not answer as a tool: hellos that harm nobody."""
        told: list[bytes] = []
        for data in outgoing:
            for piece in new_splitter(None).feed(data):
                if isinstance(piece, FrameSeen) and (hello := quiet_hello(piece.kind, piece.payload)):
                    self._quiet_hello = hello
                    told.append(hello)
        return told

    # Bytes

    def _pieces(self, pieces: Iterable[Piece]) -> Iterator[Line]:
        for piece in pieces:
            match piece:
                case FrameSeen():
                    yield from self._frame(piece)
                case TextSeen():
                    yield from self._text(piece)
                case DamageSeen():
                    yield self._damage(piece)

    def _frame(self, frame: FrameSeen) -> Iterator[Line]:
        if self._client is not None and frame.kind in HOSTS_KINDS:
            self._echoes = True
            yield from self._hint(_ECHOES)
            return
        self.frames += 1
        if not self._greeted and self._greet_us is not None and not self._tool_is_there:
            # Whoever speaks in frames is greeted at once.
            self._greet_us = self._now_us
        self._tool_is_there = True
        missing = 0 if self._sequence is None else (frame.sequence - self._sequence - 1) & 0xFFFF
        if 0 < missing <= _MOST_LOST_FRAMES:
            said = f"{many(missing, 'frame')} before {kind_name(frame.kind)} #{frame.sequence}, by its sequence"
            yield self._line("lost", said)
        self._sequence = frame.sequence
        self._last_frame = f"{kind_name(frame.kind)} #{frame.sequence}"
        yield from self._decoded("←", frame)
        if frame.kind in ALWAYS_TOLD and self._shown == FrameLines.NONE:
            yield self._line(ALWAYS_TOLD[frame.kind], payload_words(frame.kind, frame.payload))

    def _decoded(self, way: str, frame: FrameSeen) -> Iterator[Line]:
        if self._shown == FrameLines.SUMMARISED and frame.kind in FREQUENT:
            self._several_us = self._several_us if self._several else self._now_us
            self._several.setdefault((way, frame.kind), []).append(frame.payload)
        elif self._shown != FrameLines.NONE:
            yield self._line(way, frame_words(frame.kind, frame.sequence, frame.payload))

    def _text(self, text: TextSeen) -> Iterator[Line]:
        self.text_bytes += len(text.data)
        for words in plain_lines(text.data):
            yield self._line("text", words)
        said = text.data.decode("utf-8", "replace").replace("\r\n", "\n")
        for words in self._hints.read(said):
            yield self._line("hint", words)
        client = self._client
        if client is None or self._tool_is_there or client.hopeless:
            return
        if self._greeted and comes_back_at_a_prompt(said, self._quiet_hello):
            # What it shows now is its line, with a hello on it.
            for words in self._hints.is_at_prompt():
                yield self._line("hint", words)
        if self._hints.at_prompt:
            # Nobody to greet; what greeted a tool is taken off the line.
            if self._greeted:
                self._clears_line = CLEAR_LINE + (RAW_PROMPT if self._hints.raw_prompt else b"")
            self.left_tool()
        else:
            yield from self._program_prints(client, said)

    def _program_prints(self, client: ToolClient, said: str) -> Iterator[Line]:
        """Take note that text came, and leave in peace what prints it."""
        before_us, self._printed_us = self._printed_us, self._now_us
        if self._hints.starts_in(said):
            self._prints = 0
            self._longest_pause_us = 0
        elif before_us is not None and self._now_us - before_us >= GREET_AFTER_US:
            self._prints += 1
            self._longest_pause_us = max(self._longest_pause_us, self._now_us - before_us)
        if self._prints >= _PROGRAM_PRINTS:
            yield from self._hint(_SOMEBODY_ELSES)
        if self._greeted:
            client.broken("another program prints")
            self._greeted = False
        quiet_us = max(QUIET_US, _PAUSES * self._longest_pause_us)
        self._greet_us = max(self._greet_us or 0, self._now_us + quiet_us)

    def _hint(self, words: str) -> Iterator[Line]:
        if self._hints.is_new(words):
            yield self._line("hint", words)

    def _only_listened(self) -> Iterator[Line]:
        heard = self.frames or self.damaged or self.text_bytes
        if not heard and self._began_us is not None and self._now_us - self._began_us >= LISTENED_US:
            yield from self._hint(_ONLY_LISTENED)

    def _damage(self, damage: DamageSeen) -> Line:
        start = damage.start[:_SHOWN_BYTES].hex(" ")
        shown = f"{start} …" if damage.size > _SHOWN_BYTES else start
        readable = plain(damage.start[:_SHOWN_BYTES]) if damage.start.isascii() else ""
        if damage.cut:
            return self._line("cut", f"{many(damage.size, 'byte')} of what began before: {shown}")
        self.damaged += 1
        after = f", after {self._last_frame}" if self._last_frame else ""
        said = f"no. {self.damaged}: {many(damage.size, 'byte')} at byte {damage.at}{after}, neither frame nor text"
        return self._line("damaged", f"{said}: {shown}" + (f"  {readable}" if readable else ""))

    # What the tool says

    def _events(self, client: ToolClient, events: list[Event]) -> Iterator[Line]:
        newest = None
        for event in events:
            match event:
                case LinkChanged():
                    yield from self._link(client, event)
                case ForceBlock():
                    self._samples.add(event)
                    newest = event
                case StatusReport():
                    self._samples.status = event
                    yield from self._status(event)
                case Health():
                    self._samples.health = event
                case Motion():
                    self._samples.motion = event
                case Answer() if self._log is not None and (entries := self._log.hear(event)) is not None:
                    yield from self._log_lines(entries)
                case _ if self._is_news(event):
                    for topic, words in event_words(event):
                        yield self._line(topic, words)
        if newest is not None:
            client.acknowledge(newest.next_index)

    def _is_news(self, event: Event) -> bool:
        """Whether what the tool describes itself by is other than what it told last."""
        if not isinstance(event, CalibrationReport | ZeroReport | LimitsReport | Channels):
            return True
        known, self._described[type(event)] = self._described.get(type(event)), event
        return known != event

    def _link(self, client: ToolClient, change: LinkChanged) -> Iterator[Line]:
        yield self._line("link", f"{change.state}: {change.reason}")
        if change.state == states.STREAMING:
            self._samples.begin(self._now_us)
            if client.tool is not None and client.tool.keeps_log and self._log is not None:
                self._log.begin(self._now_us)
        elif change.state == states.REFUSED:
            self._refused(client)
            if not (self.text_bytes or self.frames or self.damaged or self._echoes):
                yield self._line("hint", _NOTHING)
            elif self.damaged and not self.frames and not self.text_bytes:
                yield self._line("hint", _NOT_READABLE)
        elif change.state == states.SILENT:
            self._tool_is_there = False
            if self._hints.at_prompt:
                self.left_tool()
        elif change.state == states.LOST:
            # It fell silent and did not answer again.
            self._refused(client)

    def _status(self, status: StatusReport) -> Iterator[Line]:
        before = self._faults
        if before is None and not status.faults:
            yield self._line("fault", "none")
        for fault in status.faults:
            if fault not in (before or ()):
                yield self._line("fault", f"came: {fault}")
        for fault in before or ():
            if fault not in status.faults:
                yield self._line("fault", f"gone: {fault}")
        self._faults = status.faults

    def _log_lines(self, entries: list[str]) -> Iterator[Line]:
        if not entries:
            yield self._line("log", "nothing new")
        for entry in entries:
            for line in entry.splitlines():
                yield self._line("log", plain(line.encode()))

    # From time to time

    def _due(self, *, whole: bool = False) -> Iterator[Line]:
        if self._several and (whole or self._now_us - self._several_us >= FRAMES_EVERY_US):
            several, self._several = self._several, {}
            for (way, kind), payloads in several.items():
                yield self._line(way, several_words(kind, payloads))
        words = self._samples.summary(self._now_us, whole=whole)
        if words:
            yield self._line("samples", words)

    def _line(self, topic: str, words: str) -> Line:
        return Line(self._now_us, topic, words)
