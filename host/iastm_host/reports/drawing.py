"""A drawing as a list of shapes in one coordinate system, which SVG and PDF are both made from.

Units are points, x to the right, y down, from the upper left corner. Colours are roles, so that a page may be light or
dark; no meaning hangs on a colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Role = Literal["ink", "text", "faint", "line", "band", "paper", "alarm"]
Shape = Literal["circle", "square", "triangle", "diamond", "down", "pentagon"]
Anchor = Literal["start", "middle", "end"]

# The order in which runs get their shapes.
SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond", "down", "pentagon")

Xy = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Path:
    """Straight lines through points; `dash` is the length of dashes, 0 for none."""

    points: tuple[Xy, ...]
    role: Role = "ink"
    width: float = 1.0
    dash: float = 0.0


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon without outline."""

    points: tuple[Xy, ...]
    role: Role = "band"


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a graph: its shape, filled or hollow. `radius` is that of a circle of the same area."""

    x: float
    y: float
    shape: Shape = "circle"
    filled: bool = True
    radius: float = 3.6
    role: Role = "ink"


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text, whose baseline begins, is centred or ends at x, y; `turned` reads upwards."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    size: float = 11.0
    bold: bool = False
    role: Role = "text"
    turned: bool = False


Item = Path | Area | Mark | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing: `name` is unique on its page, `title` and `description` are what is read instead of seeing it."""

    name: str
    title: str
    description: str
    width: float
    height: float
    items: tuple[Item, ...]

    def texts(self) -> Iterator[str]:
        """Yield every label."""
        yield from (item.text for item in self.items if isinstance(item, Label))


def outline(mark: Mark) -> tuple[Xy, ...]:
    """Return the corners of a mark that isn't a circle."""
    corners, first_deg = {
        "square": (4, 45.0),
        "triangle": (3, -90.0),
        "diamond": (4, 0.0),
        "down": (3, 90.0),
        "pentagon": (5, -90.0),
    }[mark.shape]
    # A polygon with the area of the circle.
    half = math.pi / corners
    radius = mark.radius * math.sqrt(half / (math.sin(half) * math.cos(half)))
    angles = (math.radians(first_deg) + 2 * half * corner for corner in range(corners))
    return tuple((mark.x + radius * math.cos(angle), mark.y + radius * math.sin(angle)) for angle in angles)
