"""Sizes of paper, width and height in points."""

from __future__ import annotations

Paper = tuple[float, float]
A4: Paper = (595.28, 841.89)
LETTER: Paper = (612.0, 792.0)
