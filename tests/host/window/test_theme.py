from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtGui import QColor

from iastm_host.window.theme import THEMES, Theme, next_theme, theme_named

ALL = list(THEMES.values())


def luminance(color: QColor) -> float:
    """Return the relative luminance of WCAG 2."""
    shares = (color.redF(), color.greenF(), color.blueF())
    parts = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(theme: Theme, one: str, other: str) -> float:
    low, high = sorted((luminance(theme.color(one)), luminance(theme.color(other))))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ALL, ids=lambda theme: theme.name)
@pytest.mark.parametrize("ground", ["bg", "surface", "raised"])
@pytest.mark.parametrize("ink", ["text", "text2", "text3"])
def test_text_reads_on_every_ground(theme: Theme, ground: str, ink: str) -> None:
    assert contrast(theme, ink, ground) >= 4.5


@pytest.mark.parametrize("theme", ALL, ids=lambda theme: theme.name)
@pytest.mark.parametrize(
    ("ink", "ground"),
    [("on_light", "light"), ("text", "fine_slab"), ("text", "surface"), ("on_warn", "warn"), ("on_alarm", "alarm")],
)
def test_the_verdict_reads_on_every_lit_slot(theme: Theme, ink: str, ground: str) -> None:
    assert contrast(theme, ink, ground) >= 5.4


@pytest.mark.parametrize("theme", ALL, ids=lambda theme: theme.name)
def test_states_of_force_have_colours_of_their_own(theme: Theme) -> None:
    colors = [theme.color(token).name() for token in ("light", "fine", "warn", "alarm")]
    assert all(one != other for one, other in combinations(colors, 2))


def test_the_themes_go_around(app: object) -> None:
    theme = theme_named("dark")
    seen = [theme := next_theme(theme) for _ in range(3)]
    assert [each.name for each in seen] == ["light", "contrast", "dark"]
    assert theme_named("auto") in ALL
