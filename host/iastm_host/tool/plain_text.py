"""Bytes that came from somewhere else, as text that is fit for any terminal."""

from __future__ import annotations

import re

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CONTROLS = frozenset("\r\n\t\b\a\x04\x1b")
_REPLACED = "\ufffd"
# A line speed that is not the right one at first, or a byte that was lost, spoils little of a text.
_SPOILT_SHARE = 0.1
_LONG = 20


def is_text(data: bytes) -> bool:
    """Whether `data` reads as text: UTF-8, line ends and what terminals are told, and hardly anything else."""
    text = data.decode("utf-8", "replace")
    spoilt = sum(letter == _REPLACED or not (letter.isprintable() or letter in _CONTROLS) for letter in text)
    return spoilt == 0 or (len(text) >= _LONG and spoilt <= len(text) * _SPOILT_SHARE)


def plain(data: bytes) -> str:
    """Return `data` as one line: colours are left out, what can't be printed stands as a backslash and its number."""
    text = _COLOURS.sub("", data.decode("utf-8", "backslashreplace"))
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def plain_lines(data: bytes) -> list[str]:
    """Return `data` as lines, each as `plain` gives it, empty ones left out."""
    # A carriage return alone begins the same line anew: what stood there before is shown too.
    lines = re.split(rb"[\r\n]+", data.replace(b"\t", b"    "))
    return [shown for line in lines if (shown := plain(line).rstrip())]


def _escaped(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
