"""What deploying has to know of a board: its MicroPython, its memory, what lies on it and which release is in force."""

from __future__ import annotations

import binascii
from dataclasses import dataclass

# MicroPython's docs, "MicroPython .mpy files": sys.implementation._mpy, bits 10 to 13.
ARCHITECTURES = (
    "",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)
PLACES = ("a", "b")
NOWHERE = "-"
TRIAL, OK = "trial", "ok"
RELEASES = "/releases"
STATE, STATE_NEW, FAILED = f"{RELEASES}/state", f"{RELEASES}/state.new", f"{RELEASES}/failed"
MANIFEST = "release.json"
MAIN = "/main.py"
_STATE_WORDS = 5


@dataclass(frozen=True, slots=True)
class State:
    """Which release the selector starts: `place` a, b or -; a trial has `tries` left until `fallback` runs."""

    place: str = NOWHERE
    status: str = OK
    tries: int = 0
    fallback: str = NOWHERE

    def line(self) -> bytes:
        """Return the one line of the file."""
        words = f"{self.place} {self.status} {self.tries} {self.fallback}"
        return f"{words} {binascii.crc32(words.encode()):08x}\n".encode()


def read_state(data: bytes) -> State | None:
    """Return the state that a line holds, None where it is damaged."""
    try:
        words = data.decode().split()
    except UnicodeDecodeError:
        return None
    if len(words) != _STATE_WORDS or words[4] != f"{binascii.crc32(' '.join(words[:4]).encode()):08x}":
        return None
    place, status, tries, fallback = words[:4]
    known = {*PLACES, NOWHERE}
    if place not in known or fallback not in known or status not in (TRIAL, OK) or not tries.isdecimal():
        return None
    return State(place, status, int(tries), fallback)
