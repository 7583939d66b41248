"""Messages: what the payload of each kind of frame says. Byte tables stand in SPEC.md.

Times are tool microseconds, forces millinewtons, counts raw converter counts. A payload longer than this
version knows is read and its tail ignored: newer minor versions append fields.
"""

from collections import namedtuple

from iastm_protocol import kinds
from iastm_protocol._compat import TYPE_CHECKING
from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError
from iastm_protocol.fields import Reader, Writer
from iastm_protocol.signing import CHALLENGE_BYTES, KEY_BYTES, TAG_BYTES
from iastm_protocol.tool_messages import (
    ChannelsReport,
    HealthReport,
    LogPart,
    MotionReport,
    SelfTestResult,
    StrokeMotion,
)

if TYPE_CHECKING:
    from typing import Any

_SHA256_BYTES = 32
_SOURCE_HASH_BYTES = 8
# An offset and a slope.
_MIN_COEFFICIENTS = 2
SAMPLES_HEADER_BYTES = 15
# An `expires_day` that says nothing.
NO_EXPIRY = 0
BYTES_PER_COUNT = 3
# The longest text of what the board could not start, so that a hello answer fits a frame with it.
TROUBLE_MAX_BYTES = 200


def check_prefix(payload):
    """Return (major, minor) from the frozen start of a hello or its answer, whatever the version.

    Raises RemoteProtocolError where the magic is missing.
    """
    if len(payload) < 6 or payload[:4] != kinds.MAGIC:
        raise RemoteProtocolError("hello does not start with %s" % str(kinds.MAGIC, "utf-8"))
    return payload[4], payload[5]


class Hello(namedtuple("Hello", ("major", "minor", "host", "session"))):
    """What a host says first: protocol version, its own name (text), and a random number for this connection."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().raw(kinds.MAGIC).number("B", self.major).number("B", self.minor)
        return w.text(self.host).number("I", self.session).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message; of another major version only the frozen prefix is read."""
        major, minor = check_prefix(payload)
        if major != kinds.MAJOR:
            return Hello(major, minor, "", 0)
        r = Reader(payload[6:], "hello")
        return Hello(major, minor, r.text(), r.number("I"))


class Channel(namedtuple("Channel", ("name", "unit"))):
    """One measured channel: name and UCUM unit."""


class HelloAnswer(
    namedtuple(
        "HelloAnswer",
        (
            "major",
            "minor",
            "firmware_version",
            "source_hash",
            "board",
            "runtime",
            "serial_number",
            "boot_id",
            "rate_mhz",
            "channels",
            "ring_depth",
            "calibration_id",
            "calibration_sha256",
            "features",
            "challenge",
            "trouble",
            "reset_reason",
            "power_losses",
            "restarts",
            "overload_mn",
            "log_bytes",
        ),
    )
):
    """What a tool says of itself: rate in millihertz, ring depth in samples, a random boot id (32 bits).

    `runtime` names what runs the firmware, as "micropython 1.29.0". `challenge` is what signed commands are signed for,
    see signing.py; NO_CHALLENGE where this link needs no signature. `trouble` tells in words what could not be started,
    `overload_mn` the largest force beyond the cell's capacity that was ever seen. A sender of minor 0 or 1 says none of
    the fields from `trouble` on: they are "" and 0, which is RESET_UNKNOWN.
    """

    def to_payload(self):
        """Return the payload; raises LocalProtocolError where the rate is 0 or the trouble takes too many words."""
        if self.rate_mhz == 0:
            raise LocalProtocolError("hello answer with a rate of 0")
        if len(self.trouble.encode()) > TROUBLE_MAX_BYTES:
            raise LocalProtocolError("hello answer with a trouble of more than %d bytes" % TROUBLE_MAX_BYTES)
        w = Writer().raw(kinds.MAGIC).number("B", self.major).number("B", self.minor)
        w.text(self.firmware_version).raw(self.source_hash, _SOURCE_HASH_BYTES).text(self.board)
        w.text(self.runtime).text(self.serial_number).number("I", self.boot_id).number("I", self.rate_mhz)
        w.number("B", len(self.channels))
        for name, unit in self.channels:
            w.text(name).text(unit)
        w.number("I", self.ring_depth).text(self.calibration_id).raw(self.calibration_sha256, _SHA256_BYTES)
        w.number("I", self.features).raw(self.challenge, CHALLENGE_BYTES).text(self.trouble)
        w.number("B", self.reset_reason).number("H", self.power_losses).number("H", self.restarts)
        return w.number("I", self.overload_mn).number("H", self.log_bytes).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message. Call `check_prefix` first: only this major version can be read whole."""
        major, minor = check_prefix(payload)
        r = Reader(payload[6:], "hello answer")
        version = r.text()
        source_hash = r.raw(_SOURCE_HASH_BYTES)
        board = r.text()
        runtime = r.text()
        serial_number = r.text()
        boot_id = r.number("I")
        rate_mhz = r.number("I")
        channels = tuple([Channel(r.text(), r.text()) for _ in range(r.number("B"))])
        ring_depth = r.number("I")
        calibration_id = r.text()
        sha256 = r.raw(_SHA256_BYTES)
        if rate_mhz == 0:
            raise RemoteProtocolError("hello answer states a rate of 0")
        return HelloAnswer(
            major,
            minor,
            version,
            source_hash,
            board,
            runtime,
            serial_number,
            boot_id,
            rate_mhz,
            channels,
            ring_depth,
            calibration_id,
            sha256,
            r.number("I"),
            r.raw(CHALLENGE_BYTES),
            r.optional_text(""),
            r.optional("B", kinds.RESET_UNKNOWN),
            r.optional("H", 0),
            r.optional("H", 0),
            r.optional("I", 0),
            r.optional("H", 0),
        )


class ForceSamples(namedtuple("ForceSamples", ("first_index", "first_us", "span_us", "flags", "packed"))):
    """A batch of conversions with consecutive indices; `span_us` lies between the first and the last.

    `packed` holds the raw counts as 24-bit two's complement, little-endian, three bytes each.
    """

    @property
    def sample_count(self):
        """How many samples the batch holds."""
        return len(self.packed) // BYTES_PER_COUNT

    def counts(self):
        """Return the raw counts as a list of int."""
        return unpack_counts(self.packed)

    def to_payload(self):
        """Return the payload; raises LocalProtocolError where it would hold no whole sample."""
        if not _whole_counts(self.packed):
            raise LocalProtocolError("force samples with %d bytes of counts" % len(self.packed))
        w = Writer().number("I", self.first_index).time_us(self.first_us).number("I", self.span_us)
        return w.number("B", self.flags).raw(self.packed).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message; raises RemoteProtocolError where it holds no whole sample."""
        r = Reader(payload, "force samples")
        index = r.number("I")
        first_us = r.time_us()
        span_us = r.number("I")
        flags = r.number("B")
        packed = r.rest()
        if not _whole_counts(packed):
            raise RemoteProtocolError("force samples with %d bytes of counts" % len(packed))
        return ForceSamples(index, first_us, span_us, flags, packed)


def _whole_counts(packed):
    return len(packed) > 0 and len(packed) % BYTES_PER_COUNT == 0


def pack_counts(counts):
    """Return raw counts as packed bytes; raises LocalProtocolError where one is beyond 24 bits."""
    w = Writer()
    for value in counts:
        if not kinds.COUNTS_MIN <= value <= kinds.COUNTS_MAX:
            raise LocalProtocolError("count %s is beyond 24 bits" % value)
        w.raw(bytes((value & 0xFF, (value >> 8) & 0xFF, (value >> 16) & 0xFF)))
    return w.payload()


def unpack_counts(packed):
    """Return packed bytes as a list of raw counts."""
    counts = []
    for at in range(0, len(packed), BYTES_PER_COUNT):
        value = packed[at] | packed[at + 1] << 8 | packed[at + 2] << 16
        counts.append(value - 0x1000000 if value & 0x800000 else value)
    return counts


class StrokeReport(
    namedtuple(
        "StrokeReport",
        ("number", "first_index", "last_index", "peak_index", "peak_counts", "total_counts", "truncated", "rate_mspm"),
    )
):
    """A stroke as the tool saw it, in counts from zero; stroke rate in thousandths per minute, 0 unknown."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("I", self.number).number("I", self.first_index).number("I", self.last_index)
        w.number("I", self.peak_index).number("i", self.peak_counts).number("q", self.total_counts)
        return w.number("B", 1 if self.truncated else 0).number("I", self.rate_mspm).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "stroke")
        return StrokeReport(
            r.number("I"),
            r.number("I"),
            r.number("I"),
            r.number("I"),
            r.number("i"),
            r.number("q"),
            bool(r.number("B")),
            r.number("I"),
        )


class Status(
    namedtuple(
        "Status",
        (
            "next_index",
            "battery_percent",
            "temperature_cdeg",
            "faults",
            "missed_conversions",
            "overrun_samples",
            "damaged_frames",
            "unknown_kinds",
            "heap_free_bytes",
            "uptime_s",
            "last_event",
        ),
    )
):
    """Sent once a second. `battery_percent` 255 and `temperature_cdeg` −32768 mean unknown; counters since boot.

    `next_index` is that of the conversion to come; `overrun_samples` left the ring before they were sent; `last_event`
    is the id of the newest tool event.
    """

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("I", self.next_index).number("B", self.battery_percent)
        w.number("h", self.temperature_cdeg).number("I", self.faults).number("I", self.missed_conversions)
        w.number("I", self.overrun_samples).number("H", self.damaged_frames).number("H", self.unknown_kinds)
        w.number("I", self.heap_free_bytes).number("I", self.uptime_s)
        return w.number("I", self.last_event).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "status")
        return Status(
            r.number("I"),
            r.number("B"),
            r.number("h"),
            r.number("I"),
            r.number("I"),
            r.number("I"),
            r.number("H"),
            r.number("H"),
            r.number("I"),
            r.number("I"),
            r.number("I"),
        )


class AlertReport(namedtuple("AlertReport", ("kind", "index", "tool_us", "counts"))):
    """An alert that the tool decided (advisory to the host): WARN, ALARM or DOSE, counts from zero."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("B", self.kind).number("I", self.index).time_us(self.tool_us)
        return w.number("i", self.counts).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "alert")
        return AlertReport(r.number("B"), r.number("I"), r.time_us(), r.number("i"))


class ToolEvent(namedtuple("ToolEvent", ("event_id", "kind", "index", "tool_us", "value"))):
    """Something that happened on the tool; ids run from 1 at each boot. What `value` says depends on the kind."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("I", self.event_id).number("B", self.kind).number("I", self.index)
        return w.time_us(self.tool_us).number("i", self.value).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "tool event")
        return ToolEvent(r.number("I"), r.number("B"), r.number("I"), r.time_us(), r.number("i"))


class Calibration(
    namedtuple("Calibration", ("calibration_id", "sha256", "capacity_n", "coefficients", "expires_day", "from_index"))
):
    """Counts from zero to newtons: polynomial coefficients, lowest order first (see conversion.py).

    `expires_day` counts days since 1970-01-01, 0 unknown; `from_index` is the first conversion for which it holds. A
    sender of minor 0 says neither, and both are 0.
    """

    def to_payload(self):
        """Return the payload; raises LocalProtocolError where there is no slope or a value is not finite."""
        if len(self.coefficients) < _MIN_COEFFICIENTS:
            raise LocalProtocolError("calibration %s has no slope" % self.calibration_id)
        w = Writer().text(self.calibration_id).raw(self.sha256, _SHA256_BYTES).double(self.capacity_n)
        w.number("B", len(self.coefficients))
        for coefficient in self.coefficients:
            w.double(coefficient)
        return w.number("I", self.expires_day).number("I", self.from_index).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message; raises RemoteProtocolError where there is no slope or a value is not finite."""
        r = Reader(payload, "calibration")
        calibration_id = r.text()
        sha256 = r.raw(_SHA256_BYTES)
        capacity_n = r.double()
        coefficients = tuple([r.double() for _ in range(r.number("B"))])
        for value in coefficients + (capacity_n,):
            if value - value != 0:
                raise RemoteProtocolError("calibration %s holds a value that is not finite" % calibration_id)
        if len(coefficients) < _MIN_COEFFICIENTS:
            raise RemoteProtocolError("calibration %s has no slope" % calibration_id)
        return Calibration(
            calibration_id, sha256, capacity_n, coefficients, r.optional("I", NO_EXPIRY), r.optional("I", 0)
        )


class Zero(namedtuple("Zero", ("counts", "from_index", "previous_counts", "confirmed"))):
    """The zero in force: counts without load, the index from which it holds, the zero before it."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("i", self.counts).number("I", self.from_index).number("i", self.previous_counts)
        return w.number("B", 1 if self.confirmed else 0).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "zero")
        return Zero(r.number("i"), r.number("I"), r.number("i"), bool(r.number("B")))


class Limits(namedtuple("Limits", ("profile", "warn_mn", "alarm_mn", "contact_on_mn", "contact_off_mn"))):
    """The limits the tool watches, in millinewtons; 0 turns warn or alarm off. `profile` names their origin."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().text(self.profile).number("I", self.warn_mn).number("I", self.alarm_mn)
        return w.number("I", self.contact_on_mn).number("I", self.contact_off_mn).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "limits")
        return Limits(r.text(), r.number("I"), r.number("I"), r.number("I"), r.number("I"))


class Ping(namedtuple("Ping", ("ping_id",))):
    """Asks for the tool's time."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("H", self.ping_id).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        return Ping(Reader(payload, "ping").number("H"))


class Pong(namedtuple("Pong", ("ping_id", "tool_us"))):
    """The tool's time when it read the ping of that id."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("H", self.ping_id).time_us(self.tool_us).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "pong")
        return Pong(r.number("H"), r.time_us())


class Ack(namedtuple("Ack", ("next_index", "next_event"))):
    """What the host holds without a hole: all samples before `next_index`, all tool events before `next_event`."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("I", self.next_index).number("I", self.next_event).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "ack")
        return Ack(r.number("I"), r.number("I"))


class Fetch(namedtuple("Fetch", ("first_index", "samples"))):
    """Asks once more for `samples` samples from `first_index` on."""

    def to_payload(self):
        """Return the payload; raises LocalProtocolError for no samples."""
        return _run_payload(self)

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        return Fetch(*_read_run(payload, "fetch"))


def _run_payload(run):
    if not run.samples:
        raise LocalProtocolError("a run of no samples")
    return Writer().number("I", run.first_index).number("I", run.samples).payload()


def _read_run(payload, what):
    r = Reader(payload, what)
    first_index = r.number("I")
    samples = r.number("I")
    if not samples:
        raise RemoteProtocolError("%s of no samples" % what)
    return first_index, samples


class FetchEvents(namedtuple("FetchEvents", ("first_event",))):
    """Asks once more for the tool events from id `first_event` on."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("I", self.first_event).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        return FetchEvents(Reader(payload, "fetch events").number("I"))


class Gone(namedtuple("Gone", ("first_index", "samples"))):
    """Fetched samples that the tool does not have: missed by the converter, or no longer in the ring."""

    def to_payload(self):
        """Return the payload; raises LocalProtocolError for no samples."""
        return _run_payload(self)

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        return Gone(*_read_run(payload, "gone"))


class Command(namedtuple("Command", ("request_id", "command", "body"))):
    """A request that the tool answers with a response of the same id; the body depends on the command."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("H", self.request_id).number("B", self.command).raw(self.body).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "command")
        return Command(r.number("H"), r.number("B"), r.rest())


class SignedCommand(namedtuple("SignedCommand", ("counter", "tag", "command"))):
    """A command with its proof: `command` is the payload of a Command, `tag` as signing.py makes it."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("I", self.counter).raw(self.tag, TAG_BYTES).raw(self.command).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "signed command")
        return SignedCommand(r.number("I"), r.raw(TAG_BYTES), r.rest())


class Key(namedtuple("Key", ("key",))):
    """The tool's key: whoever has it may change the tool's state."""

    def to_payload(self):
        """Return the payload."""
        return Writer().raw(self.key, KEY_BYTES).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        return Key(Reader(payload, "key").raw(KEY_BYTES))


class StoredPart(namedtuple("StoredPart", ("offset", "total", "data"))):
    """A piece of the stored calibration from byte `offset` on; `total` is its whole length, 0 where none is stored."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("I", self.offset).number("I", self.total).raw(self.data).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "stored part")
        return StoredPart(r.number("I"), r.number("I"), r.rest())


class Response(namedtuple("Response", ("request_id", "command", "error", "text"))):
    """The answer to a command: error OK or one of the typed errors, with words for a person."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("H", self.request_id).number("B", self.command).number("B", self.error)
        return w.text(self.text).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "response")
        return Response(r.number("H"), r.number("B"), r.number("B"), r.text())


def set_zero_body(counts):
    """Return the body of SET_ZERO: the counts without load."""
    return Writer().number("i", counts).payload()


def read_zero_body(body):
    """Return the counts in the body of SET_ZERO."""
    return Reader(body, "zero command").number("i")


MESSAGES: "dict[int, Any]" = {
    kinds.HELLO: Hello,
    kinds.HELLO_ANSWER: HelloAnswer,
    kinds.FORCE_SAMPLES: ForceSamples,
    kinds.STROKE: StrokeReport,
    kinds.STATUS: Status,
    kinds.ALERT: AlertReport,
    kinds.TOOL_EVENT: ToolEvent,
    kinds.CALIBRATION: Calibration,
    kinds.ZERO: Zero,
    kinds.LIMITS: Limits,
    kinds.PING: Ping,
    kinds.PONG: Pong,
    kinds.ACK: Ack,
    kinds.FETCH: Fetch,
    kinds.FETCH_EVENTS: FetchEvents,
    kinds.GONE: Gone,
    kinds.COMMAND: Command,
    kinds.SIGNED_COMMAND: SignedCommand,
    kinds.KEY: Key,
    kinds.STORED_PART: StoredPart,
    kinds.MOTION: MotionReport,
    kinds.LOG_PART: LogPart,
    kinds.SELF_TEST_RESULT: SelfTestResult,
    kinds.CHANNELS: ChannelsReport,
    kinds.STROKE_MOTION: StrokeMotion,
    kinds.HEALTH: HealthReport,
    kinds.RESPONSE: Response,
}
