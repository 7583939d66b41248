"""Durations as a person gives them."""

from __future__ import annotations

import math
from collections.abc import Callable

import typer

from iastm_host.events import Problem


def seconds(least_s: float, most_s: float) -> Callable[[float | None], float | None]:
    """Return the check of an option that takes so many seconds, for its `callback`."""

    def check(duration_s: float | None) -> float | None:
        if duration_s is None:
            return None
        if math.isnan(duration_s):
            raise Problem("A duration of nan can't be waited for.", "Give seconds, as --duration 20.")
        if not least_s <= duration_s <= most_s:
            raise typer.BadParameter(f"{duration_s:.12g} s is not between {least_s:.12g} and {most_s:.12g} s.")
        return duration_s

    return check
