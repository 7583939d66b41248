"""What came out, in plain words; classes and clauses stay in the annex.

Ours: good is within 3 %, the limit of the daily check, or within 0.1 N, little beside target bands of 3.5 N and more;
fair is within 10 %, the reach that a published instrument states (doi 10.1115/1.4041696), or within 0.3 N; else poor.
"""

from __future__ import annotations

import math

from iastm_calibration.document import CalibrationDocument, FoundFigures, UncertaintyAt
from iastm_host.app.calibrating.snapshot import ResultView

GOOD, FAIR, POOR = "Good", "Fair", "Poor"
# Word, share of the force, newtons: a force is within by the larger of both.
THRESHOLDS = ((GOOD, 0.03, 0.1), (FAIR, 0.10, 0.3))
# The flattest angle that courses teach for sweeping (expert opinion): there a tip's weight moves zero most.
_USED_DOWN_TO_DEG = 30.0


def word_for(uncertainty: tuple[UncertaintyAt, ...]) -> str:
    """Return the word for the worst of the stated forces; poor where none is stated or one is no number."""
    for word, share, newtons in THRESHOLDS:
        if uncertainty and all(at.expanded_n <= max(newtons, share * abs(at.force_n)) for at in uncertainty):
            return word
    return POOR


def result_view(document: CalibrationDocument, *, written: bool, file: str) -> ResultView:
    """Return the result of a calibration."""
    largest = max((at.expanded_n for at in document.uncertainty), default=math.nan)
    sentence = f"± {newtons_text(largest)} N up to {_reach_text(document.curve.high_n)} N"
    return ResultView(
        word=word_for(document.uncertainty),
        sentence=sentence,
        lines=tuple(_lines(document)),
        annex=tuple(_annex(document.figures)),
        written=written,
        file=file,
    )


def newtons_text(force_n: float) -> str:
    """Return an uncertainty with two figures at most, rounded up: it never looks smaller than it is."""
    if not math.isfinite(force_n):
        return "unknown"
    if force_n <= 0:
        return "0.000"
    decimals = min(3, max(0, 1 - math.floor(math.log10(force_n))))
    step = 10.0**-decimals
    return f"{math.ceil(round(force_n / step, 6)) * step:.{decimals}f}"


def _reach_text(high_n: float) -> str:
    """Return the end of the range with one decimal at most, rounded down: no force beyond it is promised."""
    return f"{math.floor(round(high_n * 10, 6)) / 10:g}"


def _lines(document: CalibrationDocument) -> list[str]:
    figures = document.figures
    lines = ["Of 100 readings about 95 lie within that of the true force."]
    lines += [f"At {at.force_n:.1f} N: ± {newtons_text(at.expanded_n)} N." for at in document.uncertainty]
    lines.append(f"The point farthest off: {abs(1000 * figures.largest_residual_n):.0f} mN.")
    # Of one seating only loading and unloading tell, whose scatter is no repeat.
    repeats_n = figures.repeatability_n if figures.reproducibility_n is not None else None
    named = (
        ("Between loading and unloading", figures.hysteresis_n),
        ("Between repeats", repeats_n),
        ("Between seatings", figures.reproducibility_n),
        ("Zero, from before to after", figures.zero_return_n),
    )
    lines += [f"{name}: {1000 * abs(value):.0f} mN." for name, value in named if value is not None]
    for angle_deg, share in figures.angle_errors:
        percent = f"{round(100 * share, 1) + 0.0:+.1f}".replace("-", "−")
        lines.append(f"At {angle_deg:g}° a force reads {percent} %.")
    if figures.tip_weight_n:
        lines.append(_tip_words(figures.tip_weight_n))
    unknown = sorted({name for at in document.uncertainty for name in at.unknown})
    if unknown:
        lines.append(f"Not counted, because nobody stated it: {', '.join(unknown)}.")
    return [*lines, *document.notes]


def _tip_words(tip_weight_n: float) -> str:
    """Return what the tip's weight does to zero where the tool is used at another angle than it was zeroed at."""
    weight_n = abs(tip_weight_n)
    moves_n = weight_n * (1 - math.sin(math.radians(_USED_DOWN_TO_DEG)))
    moves = f"from upright to {_USED_DOWN_TO_DEG:g}° zero moves by {moves_n:.2f} N"
    return f"The tip weighs {weight_n:.2f} N: {moves}. Set zero at the angle that you work at."


def _annex(figures: FoundFigures) -> list[tuple[str, str]]:
    rows = [
        ("After ASTM E74, class", _class(figures.e74_class, figures.e74_from_n)),
        ("After ASTM E74, lower limit factor", _newtons(figures.lower_limit_n)),
        ("After ISO 376, class", _class(figures.iso376_class, figures.iso376_from_n)),
    ]
    found = [(name, value) for name, value in rows if value]
    return found + [("Less than a method asks", shortfall) for shortfall in figures.shortfalls]


def _class(name: str | None, from_n: float | None) -> str:
    if name is None:
        return ""
    return name if from_n is None else f"{name} from {from_n:.2f} N"


def _newtons(force_n: float | None) -> str:
    return "" if force_n is None else f"{force_n:.3f} N"
