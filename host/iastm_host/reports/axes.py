"""A rectangle of a drawing with numbers on its sides: where a value lies, round steps, grid and titles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iastm_host.reports.drawing import Item, Label, Path, Xy

_TICK_SIZE = 10.5


@dataclass(frozen=True, slots=True)
class Plane:
    """A rectangle at left, top, and the values at its sides; y grows upwards."""

    left: float
    top: float
    width: float
    height: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    @property
    def right(self) -> float:
        """The right side."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower side."""
        return self.top + self.height

    def x(self, value: float) -> float:
        """Return where a value lies across."""
        return self.left + (value - self.x_low) / (self.x_high - self.x_low) * self.width

    def y(self, value: float) -> float:
        """Return where a value lies up."""
        return self.bottom - (value - self.y_low) / (self.y_high - self.y_low) * self.height

    def at(self, x: float, y: float) -> Xy:
        """Return the place of a point."""
        return self.x(x), self.y(y)


def round_steps(low: float, high: float, most: int) -> tuple[float, ...]:
    """Return multiples of 1, 2 or 5 times a power of ten from low to high, `most` steps between them at most.

    Without a span the answer is that one value.
    """
    if not high > low:
        return (low,)
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    # Multiples by division keep 0.3 from becoming 0.30000000000000004.
    return tuple(number * step if step >= 1 else number / round(1 / step) for number in range(first, last + 1))


def grown(low: float, high: float, share: float, least: float) -> tuple[float, float]:
    """Return a span with a share of it added on both sides, and not narrower than `least`."""
    missing = max(0.0, least - (high - low)) / 2
    margin = share * max(high - low, least)
    return low - missing - margin, high + missing + margin


def places_for(steps: Sequence[float]) -> int:
    """Return how many decimals tell the steps apart."""
    if len(steps) < 2:
        return 1
    step = steps[1] - steps[0]
    return max(0, -math.floor(math.log10(step) + 1e-9))


def sides(
    plane: Plane,
    x_steps: Sequence[float],
    y_steps: Sequence[float],
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
    titles: tuple[str, str],
) -> list[Item]:
    """Return grid, numbers and titles (below, and at the upper left) of a plane; "" leaves a title out."""
    items: list[Item] = []
    for value in y_steps:
        y = plane.y(value)
        items.append(Path(((plane.left, y), (plane.right, y)), "line", 0.7))
        items.append(Label(plane.left - 6, y + 3.6, y_text(value), "end", _TICK_SIZE))
    for value in x_steps:
        x = plane.x(value)
        items.append(Path(((x, plane.bottom), (x, plane.bottom + 4)), "faint", 0.8))
        items.append(Label(x, plane.bottom + 16, x_text(value), "middle", _TICK_SIZE))
    items.append(Path(((plane.left, plane.bottom), (plane.right, plane.bottom)), "faint", 0.8))
    below, above = titles
    if below:
        items.append(Label((plane.left + plane.right) / 2, plane.bottom + 32, below, "middle"))
    if above:
        items.append(Label(plane.left - 6, plane.top - 9, above, "start"))
    return items
