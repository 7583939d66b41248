"""Runs the protocol's vectors, and damages them; one source for CPython and MicroPython.

    python run_vectors.py VECTORS_DIRECTORY SEED ROUNDS

The last line of output is one JSON object: checks made by section, and what failed.
"""

import hashlib
import json
import struct
import sys

from iastm_protocol import kinds
from iastm_protocol.conversion import polarity, to_net_counts, to_newtons
from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError
from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import BareFrameWriter, Decoder, FrameWriter, encode, unstuff
from iastm_protocol.glitch import is_glitch
from iastm_protocol.limits import LimitWatch, debounce_samples
from iastm_protocol.messages import MESSAGES, Channel, check_prefix, pack_counts
from iastm_protocol.signing import same, tag
from iastm_protocol.stored_calibration import HEAD_MAX_BYTES, pack_head, read_head
from iastm_protocol.strokes import StrokeDetector, StrokeSpan
from iastm_protocol.tool_messages import SelfTestRow

# 64-bit floats keep this; boards have 32-bit ones and keep 1 mN.
_DOUBLES = 2.0**-40 + 1.0 != 1.0


class Chance:
    """Numbers that look random and are the same on both interpreters (xorshift of 32 bits, Marsaglia 2003)."""

    def __init__(self, seed):
        self._state = seed & 0xFFFFFFFF or 1

    def randrange(self, low, high):
        """Return a number from `low` to below `high`."""
        x = self._state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self._state = x
        return low + x % (high - low)


class Report:
    """Counts checks by section and keeps the first failures."""

    def __init__(self):
        self.checks = {}
        self.failures = []
        self._section = ""

    def section(self, name):
        """Start a section."""
        self._section = name
        self.checks[name] = 0

    def equal(self, what, got, expected):
        """Check that two values are equal."""
        self.checks[self._section] += 1
        if got != expected and len(self.failures) < 60:
            self.failures.append(f"{self._section}: {what}: got {got!r}, expected {expected!r}")

    def true(self, what, condition):
        """Check that something holds."""
        self.equal(what, bool(condition), True)

    def raises(self, what, error, call, *args):
        """Check that a call raises this very error and no other."""
        try:
            got = call(*args)
        except Exception as e:  # noqa: BLE001 (any other exception is the finding)
            got = type(e)
        self.equal(what, got, error)


def unhex(text):
    """Return bytes of hex."""
    return bytes.fromhex(text)


def field(value):
    """Return a field of a message from its JSON."""
    if isinstance(value, dict):
        if "hex" in value:
            return unhex(value["hex"])
        return struct.unpack("<d", unhex(value["f64_hex"]))[0]
    if isinstance(value, list):
        return tuple([row(item) if isinstance(item, list) else field(item) for item in value])
    return value


def row(items):
    """Return what a message holds several of: of two fields a channel, of five a self-test."""
    return Channel(*items) if len(items) == 2 else SelfTestRow(*items)


def decode(pieces, max_payload=kinds.MAX_LINK_PAYLOAD, link=True):
    """Return the frames of pieces fed one after another, as tuples, and the decoder."""
    decoder = Decoder(max_payload, link)
    frames = []
    for piece in pieces:
        decoder.feed(piece)
        frame = decoder.next_frame()
        while frame is not None:
            frames.append((frame.kind, frame.sequence, frame.payload))
            frame = decoder.next_frame()
    return frames, decoder


def cut(wire, rng):
    """Return `wire` cut at random points, an empty piece now and then."""
    pieces = []
    at = 0
    while at < len(wire):
        end = min(len(wire), at + rng.randrange(0, 40))
        pieces.append(wire[at:end])
        at = end
    return pieces


def feeds(wire, rng):
    """Return (name, pieces) for every way bytes arrive: whole, byte by byte, at random, in other types."""
    return (
        ("whole", [wire]),
        ("byte by byte", [wire[at : at + 1] for at in range(len(wire))]),
        ("cut at random", cut(wire, rng)),
        ("as bytearray", [bytearray(wire)]),
        ("as memoryview", [memoryview(wire)]),
    )


def run_messages(report, cases, rng):
    """Fields to payload to wire and back; truncated, lengthened."""
    report.section("messages")
    writer = FrameWriter(kinds.MAX_LINK_PAYLOAD)
    expected = []
    wires = []
    for case in cases:
        name = case["name"]
        cls = MESSAGES[case["kind"]]
        fields = {}
        for key in case["fields"]:
            fields[key] = field(case["fields"][key])
        message = cls(**fields)
        payload = unhex(case["payload_hex"])
        wire = unhex(case["wire_hex"])
        report.equal(name + ", class", cls.__name__, case["message"])
        report.equal(name + ", payload", message.to_payload(), payload)
        report.equal(name + ", wire", encode(case["kind"], case["sequence"], payload), wire)
        report.equal(name + ", wire in place", bytes(writer.frame(case["kind"], case["sequence"], payload)), wire)
        for form in (payload, bytearray(payload), memoryview(payload)):
            back = cls.from_payload(form)
            for key, value in fields.items():
                report.equal(name + ", " + key, getattr(back, key), value)
                report.equal(name + ", type of " + key, type(getattr(back, key)), type(value))
        report.equal(name + ", again", back.to_payload(), payload)
        if "counts" in case:
            report.equal(name + ", counts", message.counts(), case["counts"])
            report.equal(name + ", number of counts", message.sample_count, len(case["counts"]))
            report.equal(name + ", packed", pack_counts(case["counts"]), message.packed)
        run_lengths(report, name, cls, case["message"], payload)
        for how, pieces in feeds(wire, rng):
            frames, decoder = decode(pieces)
            report.equal(name + ", " + how, frames, [(case["kind"], case["sequence"], payload)])
            report.equal(name + ", damage " + how, (decoder.damaged, decoder.damaged_bytes), (0, 0))
        expected.append((case["kind"], case["sequence"], payload))
        wires.append(wire)
    for how, pieces in feeds(b"".join(wires), rng):
        frames, decoder = decode(pieces)
        report.equal("all, " + how, frames, expected)
        report.equal("all, counted " + how, (decoder.frames, decoder.damaged), (len(expected), 0))


def run_unreadable(report, cases):
    """Payloads that are the peer's fault, and nothing else, in whatever type they come."""
    report.section("unreadable")
    for case in cases:
        cls = MESSAGES[case["kind"]]
        payload = unhex(case["payload_hex"])
        for form in (payload, bytearray(payload), memoryview(payload)):
            report.raises(case["name"], RemoteProtocolError, cls.from_payload, form)


def older_lengths(message, whole, length):
    """Return, by the length of a payload that ends before appended fields, what those then are."""
    if message == "Calibration":
        return ends(length, (4, 4), (0, 0))
    if message == "HelloAnswer":
        return ends(length, (1 + len(whole.trouble.encode()), 1, 2, 2, 4, 2), ("", 0, 0, 0, 0, 0))
    return {}


def ends(length, sizes, missing):
    """Return, by the length without the last of the appended fields, what is then missing."""
    return {length - sum(sizes[at:]): missing[at:] for at in range(len(sizes))}


def run_lengths(report, name, cls, message, payload):
    """Every truncation is refused in the peer's name, every tail of a newer minor version is read over."""
    # These end in what takes all that is left.
    open_end = message in ("ForceSamples", "Command", "SignedCommand", "StoredPart", "LogPart")
    whole = cls.from_payload(payload)
    older = older_lengths(message, whole, len(payload))
    for n in range(len(payload)):
        if message == "Command" and n >= 3:
            report.equal(name + ", shorter body", cls.from_payload(payload[:n]).body, payload[3:n])
        elif message == "SignedCommand" and n >= 20:
            report.equal(name + ", shorter command", cls.from_payload(payload[:n]).command, payload[20:n])
        elif message in ("StoredPart", "LogPart") and n >= 8:
            report.equal(name + ", shorter data", cls.from_payload(payload[:n]).data, payload[8:n])
        elif n in older:
            kept = tuple(whole)[: len(whole) - len(older[n])]
            report.equal(name + ", of an older minor", tuple(cls.from_payload(payload[:n])), kept + older[n])
        elif message == "ForceSamples" and n > 15 and n % 3 == 0:
            report.equal(name + ", fewer samples", cls.from_payload(payload[:n]).packed, payload[15:n])
        else:
            report.raises(f"{name}, first {n} bytes", RemoteProtocolError, cls.from_payload, payload[:n])
    if not open_end:
        for tail in (b"\x00", b"\xff" * 40):
            report.equal(name + ", with a tail", tuple(cls.from_payload(payload + tail)), tuple(whole))


def run_older(report, cases, newest):
    """What an older minor leaves out is unknown, and no fault."""
    report.section("older")
    for case in cases:
        message = MESSAGES[case["kind"]].from_payload(unhex(case["payload_hex"]))
        fields = newest[case["kind"]]
        for key in fields:
            missing = key in case["missing"]
            expected = case["missing"][key] if missing else field(fields[key])
            report.equal(case["name"] + ", " + key, getattr(message, key), expected)


def run_stored(report, vectors):
    """Heads of stored calibrations: packed, read with any document behind them, refused where they are none."""
    report.section("stored")
    for case in vectors["stored"]:
        name = case["name"]
        head = unhex(case["head_hex"])
        document = unhex(case["document_hex"])
        fields = {}
        for key in case["calibration"]:
            fields[key] = field(case["calibration"][key])
        calibration = MESSAGES[kinds.CALIBRATION](**fields)
        report.equal(name + ", hash", hashlib.sha256(head + document).digest(), unhex(case["sha256_hex"]))
        report.equal(name + ", head", pack_head(case["serial_number"], calibration), head)
        for data in (head, head + document, bytearray(head + document), memoryview(head + document)):
            read = read_head(data[:HEAD_MAX_BYTES])
            report.equal(name + ", length", read.length, len(head))
            report.equal(name + ", serial number", read.serial_number, case["serial_number"])
            report.equal(name + ", calibration", tuple(read.calibration), tuple(calibration))
        for n in range(len(head)):
            # Without its last fields it is not that of an older minor: its length says that they are there.
            report.raises(f"{name}, first {n} bytes", RemoteProtocolError, read_head, head[:n])
    for case in vectors["refused"]:
        report.raises(case["name"], RemoteProtocolError, read_head, unhex(case["stored_hex"]))
    longest = MESSAGES[kinds.CALIBRATION]("i" * 156, bytes(32), 1.0, (0.0, 1.0), 0, 0)
    report.raises("a head too long", LocalProtocolError, pack_head, "s" * 255, longest)


def run_frames(report, vectors, rng):
    """COBS alone, frames of every critical size, other spellings, entries of recordings."""
    report.section("frames")
    for case in vectors["cobs"]:
        report.equal(case["name"], unstuff(unhex(case["stuffed_hex"])), unhex(case["raw_hex"]))
    for link, cases in ((True, vectors["frames"]), (False, vectors["frames"]), (False, vectors["recording_entries"])):
        for case in cases:
            name = case["name"]
            payload = unhex(case["payload_hex"])
            wire = unhex(case["wire_hex"])
            expected = [(case["kind"], case["sequence"], payload)]
            report.equal(name, encode(case["kind"], case["sequence"], payload), wire)
            report.true(name + ", no zero inside", b"\x00" not in wire[1:-1])
            for how, pieces in feeds(wire, rng):
                report.equal(name + ", " + how, decode(pieces, 5000, link)[0], expected)
    for case in vectors["also_read"]:
        frames = decode([unhex(case["wire_hex"])])[0]
        report.equal(case["name"], frames, [(case["kind"], case["sequence"], unhex(case["payload_hex"]))])
    for case in vectors["recording_entries"]:
        frames, decoder = decode([unhex(case["wire_hex"])], 5000, True)
        report.equal(case["name"] + ", on a link", (frames, decoder.damaged), ([], 1))


def run_damaged(report, cases, rng):
    """Corrupted wires: what comes out and what is counted, however the bytes arrive."""
    report.section("damaged")
    for case in cases:
        expected = [(kind, sequence, unhex(payload)) for kind, sequence, payload in case["frames"]]
        for how, pieces in feeds(unhex(case["wire_hex"]), rng):
            frames, decoder = decode(pieces, case["max_payload"], case["link"])
            name = case["name"] + ", " + how
            report.equal(name, frames, expected)
            report.equal(name + ", damaged", decoder.damaged, case["damaged"])
            report.equal(name + ", frames", decoder.frames, len(expected))
            report.equal(name + ", damaged bytes", decoder.damaged_bytes, case["damaged_bytes"])
            report.equal(name + ", seen", decoder.seen, unhex(case["seen_hex"]))


def assembled(messages):
    """Return the frames of messages as tuples, and the decoder."""
    decoder = FragmentDecoder(kinds.MAX_LINK_PAYLOAD)
    frames = []
    for message in messages:
        decoder.feed(message)
        frame = decoder.next_frame()
        while frame is not None:
            frames.append(tuple(frame))
            frame = decoder.next_frame()
    return frames, decoder


def run_fragments(report, vectors, masks):
    """Frames cut into messages and put together again, whole, damaged, and with each byte and message changed."""
    report.section("fragments")
    writer = BareFrameWriter(kinds.MAX_LINK_PAYLOAD)
    for case in vectors["fragments"]:
        name = case["name"]
        victim = (case["kind"], case["sequence"], unhex(case["payload_hex"]))
        cut = [unhex(message) for message in case["messages_hex"]]
        frame = writer.frame(*victim)
        report.equal(name + ", frame", bytes(frame), unhex(case["frame_hex"]))
        report.equal(name + ", messages", fragments(frame, case["max_bytes"]), cut)
        for form in (cut, [bytearray(message) for message in cut], [memoryview(message) for message in cut]):
            frames, decoder = assembled(form)
            report.equal(name, frames, [victim])
            report.equal(name + ", counted", (decoder.frames, decoder.damaged, decoder.damaged_bytes), (1, 0, 0))
        good = (kinds.PING, 7, b"\x07\x00")
        tail = fragments(writer.frame(*good), case["max_bytes"])
        for i in range(len(cut)):
            message = cut[i]
            changed = [[], [message, message], [message[:-1]]]
            changed.extend([[bytes([message[0] ^ bit]) + message[1:]] for bit in (1, 2, 4)])
            changed.extend([[message[:-1] + bytes([message[-1] ^ mask])] for mask in masks])
            for instead in changed:
                damaged = cut[:i] + instead + cut[i + 1 :]
                frames, decoder = assembled(damaged + tail)
                # Either the frame as it was or nothing, and a loss is never silent: only what never came is not missed.
                whole = frames in ([victim, good], [victim, victim, good])
                lost = frames == [good] and (decoder.damaged > 0 or not damaged)
                report.true(f"{name}, message {i}", whole or lost)
    for case in vectors["damage"]:
        name = case["name"]
        frames, decoder = assembled([unhex(message) for message in case["messages_hex"]])
        report.equal(name, frames, [(kind, sequence, unhex(payload)) for kind, sequence, payload in case["frames"]])
        report.equal(
            name + ", damaged", (decoder.damaged, decoder.damaged_bytes), (case["damaged"], case["damaged_bytes"])
        )
        report.equal(name + ", frames", decoder.frames, len(frames))
    report.raises("a message of one byte", ValueError, fragments, b"frame", 1)


def run_corruption(report, cases, masks):
    """Each byte of each message flipped, dropped, doubled, between two whole frames."""
    report.section("corruption")
    before = (kinds.PING, 1, b"\x01\x00")
    after = (kinds.PONG, 2, b"\x01\x00\x40\x42\x0f\x00\x00\x00")
    head = encode(*before)
    tail = encode(*after)
    for case in cases:
        wire = unhex(case["wire_hex"])
        if len(wire) > 200:
            continue
        victim = (case["kind"], case["sequence"], unhex(case["payload_hex"]))
        for at in range(len(wire)):
            changed = [wire[:at] + wire[at + 1 :], wire[: at + 1] + wire[at:]]
            changed.extend([wire[:at] + bytes([wire[at] ^ mask]) + wire[at + 1 :] for mask in masks])
            changed.append(wire[:at] + b"\x00" + wire[at + 1 :])
            for damaged in changed:
                frames, decoder = decode([head + damaged + tail])
                # Either the whole message or nothing, and a loss is never silent.
                whole = frames == [before, victim, after]
                lost = frames == [before, after] and decoder.damaged > 0
                report.true(f"{case['name']}, byte {at}", whole or lost)


def run_garbage(report, rng, rounds):
    """Noise never raises, never takes the memory of more than a frame, and ends at the next delimiter."""
    report.section("garbage")
    good = (kinds.PING, 7, b"\x07\x00")
    for _ in range(rounds):
        lowest = rng.randrange(0, 2)
        # Without a zero, noise is one endless block; low numbers make many short ones.
        highest = 256 if lowest else 8
        noise = bytes([rng.randrange(lowest, highest) for _ in range(rng.randrange(0, 1500))])
        decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
        for piece in cut(noise, rng):
            decoder.feed(piece)
            report.true("memory", decoder.partial_bytes <= kinds.MAX_LINK_PAYLOAD + 16)
        while decoder.next_frame() is not None:
            pass
        decoder.feed(encode(*good))
        report.equal("the frame after the noise", tuple(decoder.next_frame() or ()), good)
        report.equal("nothing else", decoder.next_frame(), None)


def blocks(feed, mode, rng):
    """Yield "gap" or (first_index, samples) of a feed, in the blocks given, singly or cut anew."""
    for item in feed:
        if item == "gap":
            yield item
            continue
        first, samples = item[0], item[1]
        if len(item) == 3:
            # Many equal samples, in blocks as a stream would bring them.
            done = 0
            while done < item[2]:
                n = min(item[2] - done, 1000)
                yield first + done, [samples] * n
                done += n
        elif mode == "as given":
            yield first, samples
        else:
            at = 0
            while at < len(samples):
                n = 1 if mode == "singly" else rng.randrange(1, 4)
                yield first + at, samples[at : at + n]
                at += n


def run_strokes(report, cases, rng):
    """Strokes do not depend on how samples are cut into blocks."""
    report.section("strokes")
    names = ("first_index", "last_index", "peak_index", "peak", "total", "truncated")
    for case in cases:
        for mode in ("as given", "singly", "cut anew"):
            c = case["detector"]
            detector = StrokeDetector(c["on"], c["off"], c["min_samples"])
            got = []
            for item in blocks(case["feed"], mode, rng):
                got.extend(detector.gap() if item == "gap" else detector.feed(*item))
            expected = [tuple([span[name] for name in names]) for span in case["strokes"]]
            report.equal(case["name"] + ", " + mode, [tuple(stroke) for stroke in got], expected)


def run_limits(report, cases, rng):
    """Crossings do not depend on how samples are cut into blocks."""
    report.section("limits")
    for case in cases:
        for mode in ("as given", "singly", "cut anew"):
            c = case["watch"]
            watch = LimitWatch(c["enter"], c["leave"], c["min_samples"])
            got: list[int] = []
            for item in blocks(case["feed"], mode, rng):
                got.extend((watch.gap() or ()) if item == "gap" else watch.feed(*item))
            report.equal(case["name"] + ", " + mode, (got, watch.over), (case["crossings"], case["over"]))


def run_vibrating(report, vectors):
    """While the tool vibrates a longer row exceeds a limit, however samples are cut into blocks."""
    report.section("vibrating")
    for case in vectors["debounce"]:
        report.equal(f"{case['rate_mhz']} mHz", debounce_samples(case["rate_mhz"], True), case["samples"])
        report.equal(f"{case['rate_mhz']} mHz, at rest", debounce_samples(case["rate_mhz"], False), 2)
    for case in vectors["vibrating"]:
        for singly in (False, True):
            c = case["watch"]
            watch = LimitWatch(c["enter"], c["leave"], c["min_samples"])
            got: list[int] = []
            for first, values, vibrating in case["feed"]:
                watch.enter_samples = debounce_samples(case["rate_mhz"], vibrating)
                if singly:
                    for at in range(len(values)):
                        got.extend(watch.feed(first + at, [values[at]]))
                else:
                    got.extend(watch.feed(first, values))
            report.equal(f"{case['name']}, singly {singly}", (got, watch.over), (case["crossings"], case["over"]))


def run_glitches(report, cases):
    """Glitches as whole numbers and as floats."""
    report.section("glitches")
    for case in cases:
        samples = case["samples"]
        for unit in (1, 0.5):
            got: list[int] = []
            for at in range(1, len(samples) - 1):
                before, value, after = samples[at - 1 : at + 2]
                if None in (before, value, after) or got[-1:] == [at - 1]:
                    continue
                if is_glitch(before * unit, value * unit, after * unit, case["jump"] * unit):
                    got.append(at)
            report.equal(f"{case['name']}, unit {unit}", got, case["glitches"])


def run_not_a_number(report):
    """NaN, which JSON can't carry: it hides no crossing, neither begins nor ends contact, and spoils the total."""
    report.section("not a number")
    nan = float("nan")
    samples = [0.0, nan, 200.0, 201.0, nan, 150.0, 0.0]
    for cuts in ([7], [1] * 7, [2, 3, 2], [3, 1, 3]):
        detector = StrokeDetector(10.0, 6.0, 3)
        watch = LimitWatch(100.0, 90.0, 2)
        strokes: list[StrokeSpan] = []
        crossings: list[int] = []
        at = 0
        for n in cuts:
            strokes.extend(detector.feed(at, samples[at : at + n]))
            crossings.extend(watch.feed(at, samples[at : at + n]))
            at += n
        report.equal("crossings", crossings, [3])
        report.equal("strokes", [tuple(stroke)[:4] for stroke in strokes], [(2, 5, 3, 201.0)])
        report.true("total", strokes[0].total != strokes[0].total)


def run_conversion(report, cases):
    """Counts to newtons and limits to counts, within what the floats of this interpreter can keep."""
    report.section("conversion")
    for case in cases:
        coefficients = [field(c) for c in case["coefficients"]]
        counts_per_newton = 1 / abs(coefficients[1])
        slack_n = 1e-9 if _DOUBLES else max(0.001, 2 / counts_per_newton)
        slack_counts = 1 if _DOUBLES else max(2, int(0.001 * counts_per_newton))
        report.equal(case["name"] + ", polarity", polarity(coefficients), case["polarity"])
        for row in case["newtons"]:
            force_n = to_newtons(row["counts"], row["zero_counts"], coefficients)
            report.true(f"{case['name']}, {row['counts']} counts", abs(force_n - row["force_n"]) <= slack_n)
        for row in case["net_counts"]:
            net = to_net_counts(row["force_n"], coefficients)
            report.true(f"{case['name']}, {row['force_n']} N", abs(net - row["net_counts"]) <= slack_counts)
        for force_n in (case["beyond_n"], float("inf"), float("nan")):
            report.raises(case["name"] + ", out of reach", ValueError, to_net_counts, force_n, coefficients)


# What each kind of field refuses to carry.
_BAD_NUMBERS = {
    "u8": (-1, 0x100, 0.5, float("nan"), float("inf")),
    "u16": (-1, 0x10000, 0.5, float("nan"), -float("inf")),
    "u32": (-1, 0x100000000, 1e30, 0.5, float("nan")),
    "i16": (-0x8001, 0x8000, 0.5, float("nan")),
    "i32": (-0x80000001, 0x80000000, 0.5, float("nan")),
    "i64": (-0x8000000000000001, 0x8000000000000000, 0.5, float("nan")),
    "u48": (-1, 0x1000000000000, 0.5, float("nan"), float("inf")),
    "f64": (float("nan"), float("inf"), -float("inf")),
    "text": ("x" * 256, "é" * 128),
    "8 bytes": (b"", b"7 bytes", b"9 bytes.."),
    "16 bytes": (b"", b"x" * 15, b"x" * 17),
    "32 bytes": (b"", b"x" * 31, b"x" * 33),
    "coefficients": ((), (1.0,), (0.0, float("nan")), (0.0, float("inf")), (0.0,) * 256),
    "channels": ((("n" * 256, "N"),), (("force", "N" * 256),), (("a", "b"),) * 256),
    "samples": (b"", b"\x00", b"\x00" * 4),
    "trouble": ("x" * 201, "é" * 101),
    "tilt": (-9001, 9001, 0.5, float("nan")),
    "roll": (-18001, 18001, 0.5, float("nan")),
    "direction": (-2, 2, 127, 0.5, float("nan")),
    "tests": (
        ((0x100, 0, 0, 0, 0),),
        ((0, -1, 0, 0, 0),),
        ((0, 0, 0x80000000, 0, 0),),
        ((0, 0, 0, -0x80000001, 0),),
        ((0, 0, 0, 0, 0.5),),
        ((0, 0, 0, 0, 0),) * 256,
    ),
}
_FIELD_TYPES = {
    "Hello": {"major": "u8", "minor": "u8", "host": "text", "session": "u32"},
    "HelloAnswer": {
        "major": "u8",
        "minor": "u8",
        "firmware_version": "text",
        "source_hash": "8 bytes",
        "board": "text",
        "runtime": "text",
        "serial_number": "text",
        "boot_id": "u32",
        "rate_mhz": "u32",
        "channels": "channels",
        "ring_depth": "u32",
        "calibration_id": "text",
        "calibration_sha256": "32 bytes",
        "features": "u32",
        "challenge": "16 bytes",
        "trouble": "trouble",
        "reset_reason": "u8",
        "power_losses": "u16",
        "restarts": "u16",
        "overload_mn": "u32",
        "log_bytes": "u16",
    },
    "ForceSamples": {"first_index": "u32", "first_us": "u48", "span_us": "u32", "flags": "u8", "packed": "samples"},
    "StrokeReport": {
        "number": "u32",
        "first_index": "u32",
        "last_index": "u32",
        "peak_index": "u32",
        "peak_counts": "i32",
        "total_counts": "i64",
        "rate_mspm": "u32",
    },
    "Status": {
        "next_index": "u32",
        "battery_percent": "u8",
        "temperature_cdeg": "i16",
        "faults": "u32",
        "missed_conversions": "u32",
        "overrun_samples": "u32",
        "damaged_frames": "u16",
        "unknown_kinds": "u16",
        "heap_free_bytes": "u32",
        "uptime_s": "u32",
        "last_event": "u32",
    },
    "AlertReport": {"kind": "u8", "index": "u32", "tool_us": "u48", "counts": "i32"},
    "ToolEvent": {"event_id": "u32", "kind": "u8", "index": "u32", "tool_us": "u48", "value": "i32"},
    "Calibration": {
        "calibration_id": "text",
        "sha256": "32 bytes",
        "capacity_n": "f64",
        "coefficients": "coefficients",
        "expires_day": "u32",
        "from_index": "u32",
    },
    "Zero": {"counts": "i32", "from_index": "u32", "previous_counts": "i32"},
    "Limits": {"profile": "text", "warn_mn": "u32", "alarm_mn": "u32", "contact_on_mn": "u32", "contact_off_mn": "u32"},
    "Ping": {"ping_id": "u16"},
    "Pong": {"ping_id": "u16", "tool_us": "u48"},
    "Ack": {"next_index": "u32", "next_event": "u32"},
    "Fetch": {"first_index": "u32", "samples": "u32"},
    "FetchEvents": {"first_event": "u32"},
    "Gone": {"first_index": "u32", "samples": "u32"},
    "Command": {"request_id": "u16", "command": "u8"},
    "SignedCommand": {"counter": "u32", "tag": "16 bytes"},
    "Key": {"key": "32 bytes"},
    "StoredPart": {"offset": "u32", "total": "u32"},
    "Response": {"request_id": "u16", "command": "u8", "error": "u8", "text": "text"},
    "MotionReport": {"index": "u32", "tool_us": "u48", "tilt_cdeg": "tilt", "roll_cdeg": "roll", "state": "u8"},
    "StrokeMotion": {
        "number": "u32",
        "source": "u8",
        "direction": "direction",
        "pass_length_mm": "u16",
        "excluded": "u8",
    },
    "HealthReport": {
        "battery_mv": "u16",
        "rate_mhz": "u32",
        "jitter_us": "u16",
        "glitches": "u32",
        "voided": "u32",
        "dose_mns": "u32",
        "dose_limit_mns": "u32",
        "idle_s": "u16",
    },
    "ChannelsReport": {"there": "u8", "chosen": "u8", "silenced_s": "u16"},
    "LogPart": {"offset": "u32", "total": "u32"},
    "SelfTestResult": {"request_id": "u16", "tests": "tests"},
}
# Fields that any value fits: truth values, the open body of a command, the command in a signed one, and bytes.
_FREE_FIELDS = {"StrokeReport": 1, "Zero": 1, "Command": 1, "SignedCommand": 1, "StoredPart": 1, "LogPart": 1}


def run_ranges(report, cases):
    """Each value that a field can't hold is refused in our own name; nothing is truncated in silence."""
    report.section("ranges")
    seen = []
    for case in cases:
        name = case["message"]
        if name in seen:
            continue
        seen.append(name)
        types = _FIELD_TYPES[name]
        report.equal(name + ", fields", len(types) + _FREE_FIELDS.get(name, 0), len(case["fields"]))
        for key in types:
            for bad in _BAD_NUMBERS[types[key]]:
                fields = {}
                for other in case["fields"]:
                    fields[other] = bad if other == key else field(case["fields"][other])
                message = MESSAGES[case["kind"]](**fields)
                report.raises(f"{name}.{key} = {str(bad)[:40]}", LocalProtocolError, message.to_payload)
    report.equal("messages", len(seen), len(MESSAGES))
    for count in (kinds.COUNTS_MIN - 1, kinds.COUNTS_MAX + 1, float("nan")):
        report.raises("count", LocalProtocolError, pack_counts, [count])
    for kind in (-1, 256):
        report.raises("kind", LocalProtocolError, encode, kind, 0, b"")
    report.raises("payload", LocalProtocolError, FrameWriter(4).frame, 1, 0, b"12345")
    report.equal("sequence", encode(1, 0x12345, b""), encode(1, 0x2345, b""))


def run_signing(report, vectors):
    """Tags as the library's HMAC makes them; one that differs by a bit, in length or in what it covers is none."""
    report.section("signing")
    for case in vectors["signed"] + vectors["refused"]:
        covered = [unhex(case["key_hex"]), unhex(case["challenge_hex"]), case["counter"], unhex(case["command_hex"])]
        made = tag(*covered)
        report.equal(case["name"] + ", size", len(made), 16)
        report.equal(case["name"], same(made, unhex(case["tag_hex"])), case in vectors["signed"])
        if case in vectors["refused"]:
            continue
        report.equal(case["name"] + ", tag", made, unhex(case["tag_hex"]))
        for form in (bytearray, memoryview):
            report.equal(
                case["name"] + ", other types", tag(*[form(x) if x is covered[3] else x for x in covered]), made
            )
        for bit in range(8 * len(made)):
            flipped = bytearray(made)
            flipped[bit // 8] ^= 1 << bit % 8
            report.true(f"{case['name']}, bit {bit}", not same(made, flipped))
        for other in (made[:-1], made + b"\x00", b"", b"\x00" + made):
            report.true(case["name"] + ", another length", not same(made, other) and not same(other, made))


def run_refusals(report):
    """What a peer must not send, beyond what lengths tell."""
    report.section("refusals")
    answer = MESSAGES[kinds.HELLO_ANSWER]
    for start in (b"", b"IAST", b"IAST\x01", b"iast\x01\x00", b"XXXX\x01\x00\x00", b"\x00" * 50):
        report.raises("prefix", RemoteProtocolError, check_prefix, start)
        report.raises("hello", RemoteProtocolError, MESSAGES[kinds.HELLO].from_payload, start)
        report.raises("hello answer", RemoteProtocolError, answer.from_payload, start)
    # Another major version: the prefix tells it, whatever follows.
    report.equal("prefix of major 9", check_prefix(b"IAST\x09\x02\xff\xff\xff"), (9, 2))
    report.equal("bare prefix", check_prefix(b"IAST\x02\x00"), (2, 0))
    newer = MESSAGES[kinds.HELLO].from_payload(b"IAST\x09\x02\xff\xff")
    report.equal("hello of major 9", tuple(newer), (9, 2, "", 0))
    for text in (b"\x01\xff", b"\x02\xc3(", b"\x01\x80", b"\x03\xe2\x82A"):
        hello = b"IAST\x01\x00" + text + b"\0\0\0\0"
        report.raises("text that is no UTF-8", RemoteProtocolError, MESSAGES[kinds.HELLO].from_payload, hello)
    calibration = MESSAGES[kinds.CALIBRATION]
    start = b"\x00" + b"\x00" * 32
    for bad in (float("nan"), float("inf"), -float("inf")):
        payload = start + struct.pack("<dBdd", 50.0, 2, 0.0, bad)
        report.raises("coefficient", RemoteProtocolError, calibration.from_payload, payload)
        payload = start + struct.pack("<dBdd", bad, 2, 0.0, 1.0)
        report.raises("capacity", RemoteProtocolError, calibration.from_payload, payload)
    for n in (0, 1):
        payload = start + struct.pack("<dB", 50.0, n) + struct.pack("<d", 1.0) * n
        report.raises("no slope", RemoteProtocolError, calibration.from_payload, payload)


def main(directory, seed, rounds):
    """Run every section and print the outcome."""
    report = Report()
    rng = Chance(seed)

    def read(name):
        with open(directory + "/" + name) as file:  # noqa: PTH123 (MicroPython has no pathlib)
            return json.load(file)

    messages, unreadable, older = [read("messages.json")[group] for group in ("messages", "unreadable", "older")]
    run_messages(report, messages, rng)
    run_unreadable(report, unreadable)
    newest: dict[int, dict[str, object]] = {}
    for case in messages:
        newest.setdefault(case["kind"], case["fields"])
    run_older(report, older, newest)
    run_stored(report, read("stored.json"))
    run_frames(report, read("frames.json"), rng)
    run_damaged(report, read("damaged.json")["cases"], rng)
    run_fragments(report, read("fragments.json"), (0x01, 0x80, 0xFF))
    run_corruption(report, messages, (0x01, 0x80, 0xFF))
    run_garbage(report, rng, rounds)
    run_strokes(report, read("strokes.json")["cases"], rng)
    run_limits(report, read("limits.json")["cases"], rng)
    run_vibrating(report, read("limits.json"))
    run_glitches(report, read("glitches.json")["cases"])
    run_not_a_number(report)
    run_conversion(report, read("conversion.json")["cases"])
    run_signing(report, read("signing.json"))
    run_ranges(report, messages)
    run_refusals(report)
    print(
        json.dumps(
            {
                "implementation": sys.implementation[0]
                if isinstance(sys.implementation, tuple)
                else sys.implementation.name,
                "checks": report.checks,
                "failures": report.failures,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
