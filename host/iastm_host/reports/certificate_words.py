"""What a certificate says in words: figures with their meaning, method, limits of validity, annex."""

from __future__ import annotations

from iastm_calibration.document import CalibrationDocument
from iastm_calibration.series import ZERO_STEP
from iastm_host.reports.blocks import Block, Bullets, Column, Heading, Paragraph, Row, Table
from iastm_host.reports.numbers import decimal, newtons, percent

_NOT_TAKEN = "not taken"


def what_the_figures_say(document: CalibrationDocument) -> list[Block]:
    """Return the table of figures, each with what it means; what the points don't hold says so."""
    found = document.figures
    hysteresis = _mn(found.hysteresis_n)
    if found.hysteresis_n is not None and found.hysteresis_of_span is not None:
        hysteresis += f" ({percent(found.hysteresis_of_span, 2)} of the range)"
    rows = [
        ("Largest difference", _mn(found.largest_residual_n), "The farthest that a point lies from the curve."),
        ("Hysteresis", hysteresis, "Unloading less loading at the same load, where it is largest."),
        ("Repeatability", _mn(found.repeatability_n), "How one load scatters while the tool stays in its place (s)."),
        ("Reproducibility", _mn(found.reproducibility_n), "How it scatters when the tool is seated anew (s)."),
        ("Zero return", _mn(found.zero_return_n), "How far zero moved over a run, where it moved most."),
        ("Creep", _mn(found.creep_n), "How far the reading moved from 30 s to 300 s under one load."),
        ("Weight of the tip", _mn(found.tip_weight_n), "What the cell carries of the tip when it stands upright."),
    ]
    rows += [
        (f"Error at {angle:g}°", percent(share, 2, sign=True), "Mean error of a force at this angle, as a share of it.")
        for angle, share in found.angle_errors
    ]
    return [
        Heading("What the points show"),
        Table(
            "Figures (s: standard deviation)",
            (Column("Figure", width=1.2), Column("Value", numeric=True, width=1.9), Column("What it means", width=3.0)),
            tuple(Row(row) for row in rows),
        ),
    ]


def method_words(document: CalibrationDocument) -> str:
    """Return how the calibration was made, from the points themselves."""
    loaded = [point for point in document.points if point.step != ZERO_STEP]
    weights = document.reference.kind == "weights"
    runs = len({point.run for point in loaded})
    loads = len({point.mass_kg if weights else round(point.reference_n, 1) for point in loaded})
    angles = sorted({point.angle_deg for point in loaded}, reverse=True)
    both = any(not point.rising for point in loaded) and any(point.rising for point in loaded)
    words = [
        {
            "quick": "The quick way: few loads, one run.",
            "full": "The full way: several runs, the tool seated anew for each.",
            "file": "The points were read from a file.",
        }.get(document.method, document.method)
    ]
    if loaded:
        applied = "known weights were hung on the tip" if weights else "forces were applied against a reference gauge"
        words.append(
            f"{loads} {applied}, {'rising and falling' if both else 'in one direction'}, in {runs} "
            f"run{'' if runs == 1 else 's'}, with the measuring axis at {_listed([f'{angle:g}°' for angle in angles])} "
            "to the horizontal (90° is upright)."
        )
        fewest, most = min(point.samples for point in loaded), max(point.samples for point in loaded)
        if most > 1:
            each = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            words.append(f"Each point is the mean of {each} samples of a steady reading.")
    if weights and document.reference.gravity_m_s2 is not None:
        words.append("The reference force is mass times local gravity times the sine of the angle.")
    if len(loaded) < len(document.points):
        words.append("Zero was taken before and after each series and subtracted.")
    degree = len(document.curve.coefficients) - 1
    shape = "straight line" if degree == 1 else f"polynomial of degree {degree}"
    words.append(
        f"The curve is a {shape} through zero, force over net counts, by least squares"
        + (" through the upright points; the other angles are judged against it." if len(angles) > 1 else ".")
    )
    words.append(
        "The uncertainty adds independent contributions as variances (JCGM 100:2008) and is stated for about 95 %, "
        "with k from Student's t where few points were taken."
    )
    return " ".join(words)


def limits_of_validity(document: CalibrationDocument, short_hash: str) -> tuple[str, ...]:
    """Return what the calibration holds for, and what it does not tell."""
    curve = document.curve
    angles = sorted({point.angle_deg for point in document.points if point.step != ZERO_STEP}, reverse=True)
    degrees = [f"{angle:g}°" for angle in angles]
    return (
        f"Forces from {newtons(curve.low_n)} to {newtons(curve.high_n)} N. Beyond these loads nothing is stated.",
        _temperature(document),
        f"The measuring axis at {_listed(degrees) or 'an angle that was not recorded'} to the horizontal. "
        "Zero is set at the angle of use: the tip's weight is not compensated.",
        "Force along the measuring axis only. A cell with one axis does not see shear, the force along the skin.",
        "Static loads. How the tool follows fast changes was not examined.",
        f"This document only: the tool shows the same SHA-256 ({short_hash}…). Another hash is another calibration.",
        "A tool for feedback and training. It is not a medical device, and this page does not make it one.",
        "Computed after ASTM E74 and ISO 376; conformity with either is not claimed.",
    )


def annex(document: CalibrationDocument) -> list[Block]:
    """Return the classes with their clauses, and what was done less thoroughly than they ask."""
    found = document.figures
    rows = [
        Row(
            (
                "Lower limit factor",
                "after ASTM E74-18, 8.5: 2.4 times the standard deviation about the curve",
                _mn(found.lower_limit_n),
            )
        ),
        Row(
            (
                "Class",
                "after ASTM E74-18: from 400 (A) or 2000 (AA) lower limits up",
                _class(found.e74_class, found.e74_from_n),
            )
        ),
        Row(
            (
                "Class",
                "after ISO 376:2011, table of classification criteria",
                _class(found.iso376_class, found.iso376_from_n),
            )
        ),
    ]
    blocks: list[Block] = [
        Heading("Annex: classes"),
        Table(
            "Classes are computed after these methods; conformity is not claimed",
            (Column("What", width=1.1), Column("How", width=3.2), Column("Found", width=1.4)),
            tuple(rows),
        ),
    ]
    if found.shortfalls:
        blocks += [Paragraph("What was done less thoroughly than these methods ask:"), Bullets(found.shortfalls)]
    return blocks


def _temperature(document: CalibrationDocument) -> str:
    measured = [point.temperature_c for point in document.points if point.temperature_c is not None]
    if not measured:
        words = "The temperature was not recorded."
    elif min(measured) == max(measured):
        words = f"Taken at {decimal(measured[0], 1)} °C."
    else:
        words = f"Taken at {decimal(min(measured), 1)} to {decimal(max(measured), 1)} °C."
    budget = [(name, source) for at in document.uncertainty for name, source, _ in at.rows if name == "temperature"]
    if budget:
        return f"{words} The uncertainty includes the temperature of use: {budget[0][1]}."
    return f"{words} How zero and span move with temperature was not stated and is not in the uncertainty."


def _class(name: str | None, from_n: float | None) -> str:
    if name is None:
        return "none reached"
    return name if from_n is None else f"{name}, from {newtons(from_n)} N up"


def _mn(value_n: float | None) -> str:
    return _NOT_TAKEN if value_n is None else f"{decimal(1000 * value_n, 1)} mN"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
