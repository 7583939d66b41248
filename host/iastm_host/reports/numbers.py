"""Numbers and texts as pages show them."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import datetime

# Letters of Hebrew, Arabic, Syriac, Thaana and N'Ko with their marks and without their digits; what joins two words.
_LETTERS = "[\\u0590-\\u065f\\u066a-\\u06ef\\u06fa-\\u07bf\\u07ca-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufefe]+"
_RIGHT_TO_LEFT = re.compile(f"{_LETTERS}(?:[ '’\"-]{_LETTERS})*")
_UNIT = re.compile(r"(?<=\d) (?=(?:m?N|N/count|k?g|s|K|°C|cm²|m/s²|%)(?!\w))")
_SIGN = re.compile(r"(±|\bk =) (?=\d)")
MINUS = "−"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def decimal(value: float, places: int, *, sign: bool = False) -> str:
    """Return a number with so many decimals and a real minus; a rounded zero has no sign."""
    rounded = round(value, places) + 0.0
    text = f"{rounded:+.{places}f}" if sign and rounded else f"{rounded:.{places}f}"
    return text.replace("-", MINUS)


def newtons(value_n: float) -> str:
    """Return a force with two decimals, without its unit; none is 0."""
    return decimal(value_n, 2) if round(value_n, 2) else "0"


def whole(value: float) -> str:
    """Return a whole number with groups of three."""
    return f"{round(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", MINUS)


def percent(share: float, places: int = 1, *, sign: bool = False) -> str:
    """Return a share as "1.2 %"."""
    return f"{decimal(100 * share, places, sign=sign)} %"


def digits_of(value: float) -> int:
    """Return how many decimals two significant digits of a value have, at least none, at most six."""
    if not value or not math.isfinite(value):
        return 2
    return min(6, max(0, 1 - math.floor(math.log10(abs(value)))))


def uncertainty(value: float) -> str:
    """Return an uncertainty with two significant digits, rounded up: it is never stated smaller than it is."""
    places = digits_of(value)
    # A hair less, so that 0.04 doesn't become 0.041 by the way doubles are kept.
    up = math.ceil(value * 10**places * (1 - 1e-9)) / 10**places
    return f"{up:.{places}f}"


def clean(text: str) -> str:
    """Return a text that every format can hold: lone surrogates and control characters become a sign of their own.

    Line breaks stay, tabulators become blanks.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(
        _REPLACEMENT if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cs", "Cn") else letter
        for letter in text
    )


def kept_together(text: str) -> str:
    """Return text that is not broken into lines at its blanks."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def bound(text: str) -> str:
    """Return text whose numbers stay on one line with their units and signs."""
    return _SIGN.sub(lambda sign: kept_together(sign[0]), _UNIT.sub("\N{NO-BREAK SPACE}", text))


def as_seen(text: str) -> str:
    """Return text with words of scripts that run from right to left in the order in which they are seen.

    For formats that draw letters one after another: each row of such words is turned round, digits in it are not.
    """
    return _RIGHT_TO_LEFT.sub(lambda row: _turned(row[0]), text)


def _turned(row: str) -> str:
    letters: list[str] = []
    for letter in row:
        if letters and unicodedata.combining(letter):
            letters[-1] += letter
        else:
            letters.append(letter)
    return "".join(reversed(letters))


def moment(text: str) -> datetime | None:
    """Return an ISO 8601 time, None where the text isn't one."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def moment_words(text: str) -> str:
    """Return a time as "2026-11-21 14:02 +01:00", a text that isn't one as it is."""
    at = moment(text)
    if at is None:
        return text
    zone = at.strftime("%z")
    return at.strftime("%Y-%m-%d %H:%M") + (f" {zone[:3]}:{zone[3:5]}" if zone else "")
