"""A recording is a sequence of entries in the protocol's own frames (SPEC.md, "Recordings").

RECEIVED holds a chunk exactly as it came, NOTE a JSON object of the host's. A torn tail is cut at the last whole
entry.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from iastm_host.events import Chunk, Cut, Problem
from iastm_host.transports.base import IASTM
from iastm_protocol import frames, kinds

FORMAT = "iastm-recording"
LINK_BROKEN = "link broken"
VERSION = 1
SUFFIX = ".iastm"
MARKER = "marker"
PAUSED, GOES_ON = "paused", "goes on"
REGION = "region"
DIALECT = "dialect"
MAX_ENTRY_BYTES = 1 << 20
_TIME = struct.Struct("<Q")
_READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its kind, host time and payload after the time."""

    kind: int
    host_us: int
    data: bytes

    @property
    def note(self) -> dict[str, object]:
        """The JSON object of a NOTE."""
        parsed = json.loads(self.data)
        return parsed if isinstance(parsed, dict) else {}


@dataclass(frozen=True, slots=True)
class Start:
    """The first note of a recording: what is needed to play it back as it was seen."""

    wall_time: str
    host_us: int
    mtu: int | None
    carrier: str
    software: str
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Marker:
    """A moment that a person marked: its number from 1, when, and the newest sample at that time."""

    number: int
    host_us: int
    boot_id: int
    index: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a person did in the session: PAUSED, GOES_ON or REGION (the `number`th, from 2); when, at which sample."""

    kind: str
    host_us: int
    boot_id: int
    index: int
    number: int = 0


class EntryReader:
    """Reads entries; `damaged` counts blocks that were none, `torn_bytes` what a torn tail holds."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = frames.Decoder(MAX_ENTRY_BYTES, link=False)
        self.missing = 0
        self._sequence: int | None = None

    @property
    def damaged(self) -> int:
        """How many blocks could not be read."""
        return int(self._decoder.damaged)

    @property
    def torn_bytes(self) -> int:
        """Bytes after the last whole entry."""
        return int(self._decoder.partial_bytes)

    def __iter__(self) -> Iterator[Entry]:
        while data := self._stream.read(_READ_BYTES):
            self._decoder.feed(data)
            while (frame := self._decoder.next_frame()) is not None:
                if frame.kind < kinds.FIRST_RECORDING_KIND:
                    continue
                # Every entry is counted, those of a newer version too.
                if self._sequence is not None:
                    self.missing += (frame.sequence - self._sequence - 1) & 0xFFFF
                self._sequence = frame.sequence
                if frame.kind not in (kinds.RECEIVED, kinds.NOTE) or len(frame.payload) < _TIME.size:
                    continue
                (host_us,) = _TIME.unpack_from(frame.payload)
                yield Entry(frame.kind, host_us, frame.payload[_TIME.size :])


class Recording:
    """An existing recording, opened and known to be one; raises Problem where it is missing, empty or foreign.

    `dialect` is what the gauge spoke; `numbering` (else empty) what its samples go on from where it numbers none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = self._read_start()
        note = self._read_dialect()
        self.dialect = str(note.get("dialect", IASTM))
        numbering = note.get("numbering")
        self.numbering: Mapping[str, object] = numbering if isinstance(numbering, dict) else {}

    def entries(self) -> Iterator[Entry]:
        """Yield the entries up to the last whole one."""
        with self.path.open("rb") as stream:
            yield from EntryReader(stream)

    def chunks(self) -> Iterator[Chunk | Cut]:
        """Yield what was received, as it came, and where the link broke."""
        for entry in self.entries():
            if entry.kind == kinds.RECEIVED:
                yield Chunk(entry.host_us, entry.data)
            elif (note := entry.note).get("note") == LINK_BROKEN:
                yield Cut(entry.host_us, str(note.get("reason", "")))

    def notes(self, kind: str) -> list[dict[str, object]]:
        """Return the notes whose `note` is `kind`."""
        return [
            note for entry in self.entries() if entry.kind == kinds.NOTE and (note := entry.note).get("note") == kind
        ]

    def markers(self) -> list[Marker]:
        """Return the markers in the order of their setting; one that lacks its numbers is left out."""
        found = []
        for entry in self.entries():
            if entry.kind != kinds.NOTE or (note := entry.note).get("note") != MARKER:
                continue
            match note:
                case {"number": int(number), "boot_id": int(boot_id), "index": int(index)}:
                    found.append(Marker(number, entry.host_us, boot_id, index))
                case _:
                    pass
        return found

    def steps(self) -> list[Step]:
        """Return pauses and regions in the order of their time; one that lacks its numbers is left out."""
        found = []
        for entry in self.entries():
            if entry.kind != kinds.NOTE:
                continue
            match entry.note:
                case {"note": "paused" | "goes on" | "region" as kind, "boot_id": int(boot_id), "index": int(index)}:
                    number = entry.note.get("number")
                    found.append(Step(kind, entry.host_us, boot_id, index, number if isinstance(number, int) else 0))
                case _:
                    pass
        return found

    def length_us(self) -> tuple[int, int]:
        """Return the host times of the first and the last chunk."""
        first = last = self.start.host_us
        for number, chunk in enumerate(self.chunks()):
            if number == 0:
                first = chunk.host_us
            last = chunk.host_us
        return first, last

    def condition(self) -> tuple[int, int, int]:
        """Return (damaged blocks, missing entries, torn bytes) after reading it whole."""
        with self.path.open("rb") as stream:
            reader = EntryReader(stream)
            for _ in reader:
                pass
            return reader.damaged, reader.missing, reader.torn_bytes

    def _read_start(self) -> Start:
        try:
            with self.path.open("rb") as stream:
                if not stream.read(1):
                    raise Problem(f"{self.path} is empty: nothing was recorded.", "Choose another recording.")
                stream.seek(0)
                first = next(iter(EntryReader(stream)), None)
        except FileNotFoundError as error:
            raise Problem(f"There is no file {self.path}.", "Check the name; recordings end in .iastm.") from error
        except OSError as error:
            raise Problem(f"{self.path} can't be read: {error.strerror}.", "Choose a file you may read.") from error
        if first is None or first.kind != kinds.NOTE:
            raise self._foreign()
        try:
            note = first.note
        except ValueError as error:
            raise self._foreign() from error
        if note.get("format") != FORMAT:
            raise self._foreign()
        version = note.get("version")
        if not isinstance(version, int) or version > VERSION:
            raise Problem(
                f"{self.path} was written by a newer program (recording format {version}).", "Update this program."
            )
        mtu = note.get("mtu")
        settings = note.get("settings")
        return Start(
            wall_time=str(note.get("wall_time", "")),
            host_us=first.host_us,
            mtu=mtu if isinstance(mtu, int) else None,
            carrier=str(note.get("carrier", "")),
            software=str(note.get("software", "")),
            settings=settings if isinstance(settings, dict) else {},
        )

    def _read_dialect(self) -> dict[str, object]:
        for entry in self.entries():
            if entry.kind == kinds.RECEIVED:
                break
            if (note := entry.note).get("note") == DIALECT:
                return note
        return {}

    def _foreign(self) -> Problem:
        return Problem(
            f"{self.path} is not a recording of this toolkit, or its very start is lost.",
            "Choose a file that ends in .iastm. Readings of other gauges as CSV: iastm analyse FILE.",
        )


def encode_entry(kind: int, sequence: int, host_us: int, data: bytes) -> bytes:
    """Return an entry as the bytes of a recording."""
    encoded: bytes = frames.encode(kind, sequence & 0xFFFF, _TIME.pack(host_us) + data)
    return encoded


def encode_note(note: Mapping[str, object]) -> bytes:
    """Return a note's JSON."""
    return json.dumps(note, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
