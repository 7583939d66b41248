"""Colours: one set of tokens per theme, checked for contrast and for colour-blind eyes.

Blue, amber and vermilion belong to force; technical trouble has no hue.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication

THEME_NAMES = ("auto", "dark", "light", "contrast")


@dataclass(frozen=True, slots=True)
class Theme:
    """The tokens of one theme as #RRGGBB; tints are the opacities of the alarm and warn grounds of the chart."""

    name: str
    bg: str
    surface: str
    raised: str
    line: str
    edge: str
    text: str
    text2: str
    text3: str
    light: str
    fine: str
    warn: str
    warn_edge: str
    alarm: str
    on_light: str
    on_warn: str
    on_alarm: str
    fine_slab: str
    band: str
    focus: str
    bar: str
    unlit: str
    hatch: str
    alarm_tint: float
    warn_tint: float

    def color(self, token: str, opacity: float = 1.0) -> QColor:
        """Return the colour of `token`, 0 to 1 opaque."""
        color = QColor(getattr(self, token))
        color.setAlphaF(opacity)
        return color


DARK = Theme(
    name="dark",
    bg="#0D1115",
    surface="#161C22",
    raised="#232C35",
    line="#3B4752",
    edge="#6F7D89",
    text="#F3F6F8",
    text2="#BAC5CE",
    text3="#93A0AB",
    light="#5DB5F5",
    fine="#E9EEF1",
    warn="#FFC857",
    warn_edge="#FFC857",
    alarm="#F4511E",
    on_light="#0D1115",
    on_warn="#0D1115",
    on_alarm="#0D1115",
    fine_slab="#2B3640",
    band="#25303A",
    focus="#8AD0FF",
    bar="#AEBBC5",
    unlit="#3B4752",
    hatch="#6F7D89",
    alarm_tint=0.10,
    warn_tint=0.06,
)
LIGHT = Theme(
    name="light",
    bg="#EEF1F4",
    surface="#FFFFFF",
    raised="#E3E8ED",
    line="#C3CCD4",
    edge="#75828D",
    text="#10161B",
    text2="#3F4B55",
    text3="#58656F",
    light="#0A64AD",
    fine="#1F2A33",
    warn="#F2B134",
    warn_edge="#7A4C00",
    alarm="#B93200",
    on_light="#FFFFFF",
    on_warn="#10161B",
    on_alarm="#FFFFFF",
    fine_slab="#DCE4EA",
    band="#DDE5EB",
    focus="#0A64AD",
    bar="#55636E",
    unlit="#C3CCD4",
    hatch="#75828D",
    alarm_tint=0.08,
    warn_tint=0.16,
)
CONTRAST = Theme(
    name="contrast",
    bg="#000000",
    surface="#000000",
    raised="#000000",
    line="#FFFFFF",
    edge="#FFFFFF",
    text="#FFFFFF",
    text2="#FFFFFF",
    text3="#FFFFFF",
    light="#7FD0FF",
    fine="#FFFFFF",
    warn="#FFD500",
    warn_edge="#FFD500",
    alarm="#FF7A3D",
    on_light="#000000",
    on_warn="#000000",
    on_alarm="#000000",
    fine_slab="#000000",
    band="#1C1C1C",
    focus="#00FFFF",
    bar="#FFFFFF",
    unlit="#8A8A8A",
    hatch="#8A8A8A",
    alarm_tint=0.10,
    warn_tint=0.06,
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST)}


def theme_named(name: str) -> Theme:
    """Return the theme of that name; "auto" follows the system."""
    if name != "auto":
        return THEMES[name]
    hints = QGuiApplication.styleHints()
    contrast = getattr(hints, "accessibility", lambda: None)()
    if contrast is not None and contrast.contrastPreference() == Qt.ContrastPreference.HighContrast:
        return CONTRAST
    return LIGHT if hints.colorScheme() == Qt.ColorScheme.Light else DARK


def next_theme(theme: Theme) -> Theme:
    """Return the theme after this one: dark, light, high contrast, and around."""
    order = tuple(THEMES.values())
    return order[(order.index(theme) + 1) % len(order)]
