"""Which fonts of this computer a PDF takes: one for nearly all text, and others for letters that it lacks.

Fonts are looked for by the names of their files, in the places where systems keep them. None is needed: the PDF library
brings one for Latin letters.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

# Regular and bold, narrow enough for tables, the widest choice of letters first.
TEXT_FONTS = (
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("segoeui.ttf", "segoeuib.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
)
# For letters that the text font lacks, in this order.
OTHER_FONTS = (
    "DejaVuSans.ttf",
    "Arial Unicode.ttf",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "msyh.ttc",
    "simsun.ttc",
    "YuGothM.ttc",
    "msgothic.ttc",
    "malgun.ttf",
    "AppleSDGothicNeo.ttc",
    "STHeiti Light.ttc",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "unifont.ttf",
)
EXACT_FONTS = ("DejaVuSansMono.ttf", "LiberationMono-Regular.ttf", "consola.ttf", "Courier New.ttf", "cour.ttf")


def font_folders() -> tuple[Path, ...]:
    """Return the folders in which this system keeps fonts, whether they exist or not."""
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home))
        return Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", local / "Microsoft" / "Windows" / "Fonts"
    if sys.platform == "darwin":
        return Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"
    return Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local" / "share" / "fonts"


def found_fonts(folders: Iterable[Path]) -> Mapping[str, Path]:
    """Return the wanted fonts that lie in folders or below them, by the names of their files."""
    wanted = {name for pair in TEXT_FONTS for name in pair} | set(OTHER_FONTS) | set(EXACT_FONTS)
    found: dict[str, Path] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in sorted(wanted.intersection(names)):
                found.setdefault(name, Path(place) / name)
    return found
