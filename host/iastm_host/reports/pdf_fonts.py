"""The fonts of a PDF: letters that one lacks come from another, and what none has becomes a box, never a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from iastm_host.reports.fonts import EXACT_FONTS, OTHER_FONTS, TEXT_FONTS, found_fonts
from iastm_host.reports.numbers import as_seen

_BROUGHT = Path(reportlab.__file__).parent / "fonts"


@dataclass(frozen=True, slots=True)
class FontSet:
    """Names of fonts: for text, for bold text, for hashes and coefficients, and for letters that these lack."""

    regular: str
    bold: str
    exact: str
    others: tuple[str, ...]

    def runs(self, text: str, font: str) -> Iterator[tuple[str, str]]:
        """Yield font and text, in order: letters that a font lacks come from the first other that has them."""
        choices = [(self._font_of(letter, font), letter) for letter in as_seen(text)]
        for name, run in groupby(choices, key=lambda choice: choice[0]):
            yield name, "".join(_letter(letter, name) for _, letter in run)

    def width(self, text: str, font: str, size: float) -> float:
        """Return how wide a line of text is, in points."""
        return sum(pdfmetrics.stringWidth(run, name, size) for name, run in self.runs(text, font))

    def _font_of(self, letter: str, font: str) -> str:
        if _has(font, letter) or letter.isspace():
            return font
        return next((other for other in self.others if _has(other, letter)), font)


@lru_cache(maxsize=8)
def font_set(folders: tuple[Path, ...]) -> FontSet:
    """Return the fonts found in folders, registered with the library, or those that it brings."""
    found = found_fonts(folders)
    brought = [_registered(_BROUGHT / name) for name in ("Vera.ttf", "VeraBd.ttf")]
    pairs = ([_registered(found.get(name)) for name in pair] for pair in TEXT_FONTS)
    regular, bold = next(((one, two) for one, two in pairs if one and two), (None, None))
    others = _known(_registered(found.get(name)) for name in OTHER_FONTS)
    exact = _known(_registered(found.get(name)) for name in EXACT_FONTS)
    if regular is None or bold is None:
        regular, bold = (name or "Helvetica" for name in brought)
    return FontSet(regular, bold, (*exact, regular)[0], tuple(others))


def _known(names: Iterable[str | None]) -> list[str]:
    return [name for name in names if name is not None]


def _registered(path: Path | None) -> str | None:
    """Return the name under which the library knows a font file; None for none, or for one that it can't use."""
    if path is None:
        return None
    name = str(path)
    if name not in pdfmetrics.getRegisteredFontNames():
        try:
            pdfmetrics.registerFont(TTFont(name, name))
        except (TTFError, OSError):
            # Outlines of another kind, a damaged file, one that may not be read.
            return None
    return name


@lru_cache(maxsize=64)
def _letters(font: str) -> frozenset[int]:
    face = getattr(pdfmetrics.getFont(font), "face", None)
    return frozenset(getattr(face, "charToGlyph", range(32, 127)))


def _has(font: str, letter: str) -> bool:
    return ord(letter) in _letters(font)


def _letter(letter: str, font: str) -> str:
    """Return a blank that the font has for one that it lacks."""
    return "\N{NO-BREAK SPACE}" if letter.isspace() and letter not in " \n" and not _has(font, letter) else letter
