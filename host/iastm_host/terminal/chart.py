"""Force over time in characters: eight steps to a row, gaps as dots."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from iastm_host.analysis.profiles import Profile
from iastm_host.app.live_view import axis_top_n, classify
from iastm_host.app.snapshot import Trace

_STEPS = " ▁▂▃▄▅▆▇█"
_GAP = "·"
STYLES = {"light": "blue", "fine": "default", "firm": "yellow", "hard": "yellow", "too_hard": "red"}


def chart(trace: Trace, profile: Profile, columns: int, rows: int, length_s: float = 10.0) -> list[Text]:
    """Return `rows` lines of `columns` characters with the last `length_s` seconds, newest at the right."""
    tops = _tops(trace, columns, length_s)
    top_n = axis_top_n(profile)
    lines = []
    for row in range(rows):
        low_n = top_n * (rows - 1 - row) / rows
        high_n = top_n * (rows - row) / rows
        line = Text(_label(profile, low_n, high_n), style="dim")
        for force_n in tops:
            if np.isnan(force_n):
                line.append(_GAP if row == rows - 1 else " ", style="dim")
                continue
            filled = (force_n - low_n) / (high_n - low_n)
            step = _STEPS[int(np.clip(filled * (len(_STEPS) - 1), 0, len(_STEPS) - 1))]
            line.append(
                step, style=STYLES[classify(force_n, profile)] if force_n > profile.target_high_n else "default"
            )
        lines.append(line)
    return lines


def _tops(trace: Trace, columns: int, length_s: float) -> list[float]:
    if not len(trace.force_n):
        return [float("nan")] * columns
    wanted = round(length_s * 1e6 / trace.period_us)
    force_n = trace.force_n[-wanted:]
    padded = np.concatenate((np.full(max(0, wanted - len(force_n)), np.nan), force_n))
    tops = []
    for part in np.array_split(padded, columns):
        seen = part[~np.isnan(part)]
        tops.append(float(seen.max()) if len(seen) else float("nan"))
    return tops


def _label(profile: Profile, low_n: float, high_n: float) -> str:
    edges = (
        ("Alarm", profile.alarm_n),
        ("Warn", profile.warn_n),
        ("Target", profile.target_high_n),
        ("", profile.target_low_n),
    )
    for name, edge_n in edges:
        if low_n <= edge_n < high_n:
            return f"{name:>6} {edge_n:>4g} ┤"
    return f"{'0' if low_n <= 0 else '':>11} ┤"
