"""Numbers as they are written everywhere in a view."""

from __future__ import annotations

from collections.abc import Sequence

from iastm_host.analysis.exposure import Exposure
from iastm_host.app.snapshot import LiveSnapshot

DASH = "–"
HEAD_LENGTH = 60
"""A sentence longer than this does not stand in large letters on one line."""

PLAIN_FAULTS = {
    "converter at its rail": "Sensor at its limit: ease off, then check the tip",
    "converter silent": "No force from the sensor: end here, check the tool",
    "converter frozen": "The sensor's force stands still: end here, check the tool",
    "converter fails": "The sensor fails: end here, check the tool",
    "conversions missed": "The sensor missed some samples",
    "rate is not the stated one": "The sensor is faster or slower than it should be: check the tool",
    "link stalled": "The tool could not send for a while",
    "link too narrow for the full rate": "The link is too slow for every sample",
    "too slow for stroke alerts": "Too slow for stroke alerts: set the converter's 10/80 Hz bridge to 80",
    "tool's own alert fails": "The tool's light, buzzer or vibration fails: watch the screen",
    "stored calibration damaged": "The tool's calibration is damaged: calibrate, or write it again",
    "battery low: charge the tool": "The tool's battery is low: charge it after this client",
    "motion sensor fails: no angle, no pass length": "The motion sensor fails: forces and alerts go on, lengths do not",
    "tool can't keep its settings": "The tool can't keep its settings: choose them again at each start",
    "load cell wire off: have it repaired": "A wire of the sensor is off: end here, have it repaired",
    "load cell wires touch: have it repaired": "Wires of the sensor touch: end here, have it repaired",
    "force counts backwards: check wiring, calibrate anew": "Force counts backwards: set zero; if it stays, end here",
    "load cell was overloaded: set zero, then check it": "The sensor was overloaded: lift the tool, press Z, then do "
    "the daily check",
}
"""Faults as the tool's own room names them, for who builds one, and what they mean to who treats with it."""
FALSE_FORCE = {
    "load cell wire off: have it repaired": "A wire of the sensor is off. End here.",
    "load cell wires touch: have it repaired": "Wires of the sensor touch. End here.",
    "force counts backwards: check wiring, calibrate anew": "It counts backwards. End here.",
    "converter frozen": "The sensor stands still. End here.",
}
"""Faults under which what looks like a force is none: its number is not shown."""
NO_FORCE = frozenset({"converter silent", "converter fails"})
"""Faults under which no force comes at all."""
_ENDS = "end here"
_AMISS = ("a part of the tool did not start", "something of the tool is amiss")
_SAME = {
    **dict.fromkeys(("converter", "ADS1220", "ADS1232", "HX711", "NAU7802", "wiring"), NO_FORCE),
    **dict.fromkeys(("LSM6DS", "BMI270", "motion"), frozenset({"motion sensor fails: no angle, no pass length"})),
    "settings": frozenset({"tool can't keep its settings"}),
}
"""By a word in what a tool says of its start, the faults that say the same."""


def force_text(force_n: float) -> str:
    """Return newtons with one decimal, whole from 100 N on."""
    return f"{force_n:.0f}" if force_n >= 99.95 else f"{force_n:.1f}"


def signed(value: float) -> str:
    """Return a number with its sign and one decimal, two below 0.1."""
    decimals = 1 if abs(value) >= 0.095 else 2
    return f"{value:+.{decimals}f}".replace("-", "−")


def at_least(exposure: Exposure) -> str:
    """Return what stands before peaks and dose: "≥ " where a stroke was clipped, else nothing."""
    return "≥ " if exposure.clipped else ""


def limit_text(force_n: float) -> str:
    """Return a limit in newtons as short as it is exact; "off" where it is 0."""
    return f"{force_n:g}" if force_n > 0 else "off"


def clock_text(seconds: float) -> str:
    """Return seconds as m:ss, or h:mm:ss from an hour on."""
    whole = max(0, int(seconds))
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}"


def size_text(byte_count: int) -> str:
    """Return bytes in kB or MB (1000s), with a step that grows visibly while recording."""
    return f"{byte_count / 1e6:.2f} MB" if byte_count >= 1_000_000 else f"{byte_count / 1e3:.0f} kB"


def missing_words(snapshot: LiveSnapshot) -> tuple[str, ...]:
    """Return what is missing: its seconds, then its samples and gaps; nothing where nothing is.

    A gap of no known length (the tool restarted, or the link was gone at the end) is a loss like any other.
    """
    count = snapshot.missing_samples
    if count <= 0 and snapshot.gap_count <= 0:
        return ()
    gaps = f"{snapshot.gap_count} gap{'s' * (snapshot.gap_count != 1)}"
    restarts = snapshot.restart_count
    if restarts:
        cause = "restart" if restarts == 1 else f"{restarts} restarts"
        gaps += f" ({cause})"
    if count <= 0:
        return (gaps,)
    seconds = count * snapshot.trace.period_us / 1e6
    return (f"{seconds:.1f} s missing", f"{count:,} samples, {gaps}")


def awaited_words(snapshot: LiveSnapshot) -> str:
    """Return how many samples are still being fetched, "" where none are."""
    count = 0 if snapshot.finished else snapshot.awaited_samples
    return f"{count:,} sample{'s' * (count != 1)} on {'its' if count == 1 else 'their'} way" if count > 0 else ""


def seconds_since(now_us: int, then_us: int) -> float:
    """Return the seconds from one time to another, never below 0."""
    return max(0, now_us - then_us) / 1e6


def head_and_detail(what: str) -> tuple[str, str]:
    """Return what happened in words for large letters, and the rest: a long sentence is parted at its first colon."""
    head, colon, detail = what.partition(": ")
    return (f"{head}.", sentence(detail)) if colon and len(what) > HEAD_LENGTH else (what, "")


def plain_fault(fault: str) -> str:
    """Return a fault of the tool in the words of who treats with it, one without such words as it is."""
    return PLAIN_FAULTS.get(fault, fault)


def worst_first(faults: Sequence[str]) -> list[str]:
    """Return faults in plain words; those with which nobody should go on come first, then what did not start, others
    stay as they are. What one says in the words of its cause, no other says again.
    """
    said = {same for fault in faults for start, same in _SAME.items() if _is_told(fault, start)}
    left = [fault for fault in faults if fault not in set().union(*said)]
    plain = [_with_cure(fault, faults) for fault in left]
    return sorted(plain, key=lambda words: (_ENDS not in words.lower(), not words.startswith(_AMISS)))


def _is_told(fault: str, part: str) -> bool:
    return fault.startswith(_AMISS) and part in fault


def _with_cure(fault: str, faults: Sequence[str]) -> str:
    """Return a fault in plain words, what did not start with what to do before what it is."""
    head, colon, cause = fault.partition(": ")
    if not colon or head not in _AMISS:
        return plain_fault(fault)
    if head == _AMISS[1]:
        return f"{fault}: choose them again" if "settings" in cause else fault
    if not NO_FORCE & set(faults):
        cure = "Force goes on. Later switch it off and on"
    elif any(same is NO_FORCE and part in cause for part, same in _SAME.items()):
        cure = "End here, check its plugs"
    else:
        cure = "Later switch it off and on"
    return f"{head}: {cure}. {sentence(cause)}"


def sentence(words: str) -> str:
    """Return `words` with a capital at the front."""
    return words[:1].upper() + words[1:]
