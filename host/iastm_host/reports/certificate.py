"""The certificate of a calibration: what a document says, in the order in which a reader asks.

The result comes first and in plain words; classes and clauses stand in the annex. What nobody stated is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from iastm_calibration.document import CalibrationDocument, Compensation, UncertaintyAt, content, expired, sha256_of
from iastm_host.records.new_file import write_new
from iastm_host.reports.blocks import (
    Block,
    Bullets,
    Column,
    Facts,
    Figure,
    Heading,
    Notice,
    Paragraph,
    Report,
    Result,
    Row,
    Table,
)
from iastm_host.reports.certificate_graphs import force_graph, residual_graph
from iastm_host.reports.certificate_points import points_table
from iastm_host.reports.certificate_words import annex, limits_of_validity, method_words, what_the_figures_say
from iastm_host.reports.html import to_html
from iastm_host.reports.numbers import decimal, moment_words, newtons, percent, uncertainty
from iastm_host.reports.paper import A4, Paper
from iastm_host.reports.points import seen_points

_SHORT_HASH = 8
_NOT_STATED = "not stated"


def certificate_html(document: CalibrationDocument, *, today: date | None = None) -> str:
    """Return the certificate as one HTML file without links; with `today` it says whether it still holds."""
    return to_html(certificate(document, today=today))


def certificate_pdf(document: CalibrationDocument, path: Path, *, today: date | None = None, paper: Paper = A4) -> None:
    """Write the certificate as a new PDF: the same document, the same bytes on one machine. Raises Problem."""
    # On use: the PDF library takes a while to load.
    from iastm_host.reports.pdf import to_pdf

    write_new(path, to_pdf(certificate(document, today=today), paper))


def certificate(document: CalibrationDocument, *, today: date | None = None) -> Report:
    """Return the certificate as blocks. Raises CalibrationError for a document that could not be kept."""
    sha256 = sha256_of(content(document)).hex()
    most = uncertainty(max(at.expanded_n for at in document.uncertainty))
    noted = sum(1 for point in document.points if point.note)
    blocks: list[Block] = []
    if today is not None and expired(document, today):
        blocks.append(
            Notice("Expired", f"It was valid until {document.expires_on}. Calibrate before you rely on the forces.")
        )
    blocks += [_result(document)]
    if noted:
        points = "1 point carries a note." if noted == 1 else f"{noted} points carry a note."
        blocks.append(
            Notice("Noted", f"{points} Loads are ringed in the graphs; the words stand whole with the points.")
        )
    blocks += [
        _identity(document, sha256),
        *_notes(document),
        Heading("Force over counts"),
        Figure(
            force_graph(document),
            "Line: the curve. Dots: loading. Rings: unloading; a dot in a ring is both at one place.",
        ),
        Heading("Differences from the curve"),
        Figure(
            residual_graph(document),
            "Points at one load stand beside each other, runs in order, so that none hides another."
            f" The band is the uncertainty of a force that the tool shows: up to ± {most} N, about 95 %.",
        ),
        *_uncertainty(document),
        *what_the_figures_say(document),
        *_curve(document),
        Heading("How it was done"),
        Paragraph(method_words(document)),
        Heading("What it holds for"),
        Bullets(limits_of_validity(document, sha256[:_SHORT_HASH])),
        *annex(document),
        Heading("Points as taken"),
        points_table(seen_points(document), compensated=document.compensation != Compensation()),
    ]
    return Report(
        title="Calibration certificate",
        subtitle=_tool(document),
        blocks=tuple(blocks),
        footer=f"Calibration {document.calibration_id} · SHA-256 {sha256[:_SHORT_HASH]}",
        author=document.made_by,
        made_at=datetime.fromisoformat(document.made_at),
    )


def _result(document: CalibrationDocument) -> Result:
    at = document.uncertainty
    span = f"{newtons(document.curve.low_n)} to {newtons(document.curve.high_n)} N"
    worst = max(at, key=lambda each: each.expanded_n)
    words = (
        f"From {span} a force that the tool shows lies within ± {uncertainty(worst.expanded_n)} N of the true one, in "
        f"about 95 of 100 cases (k = {_factor(worst)})."
    )
    if len(at) > 1:
        words += f" At {newtons(at[0].force_n)} N it is ± {uncertainty(at[0].expanded_n)} N."
    left_out = _left_out(at)
    if left_out:
        words += f" Not included, because it was not stated: {', '.join(left_out)}."
    return Result(f"± {uncertainty(worst.expanded_n)} N from {span}", words)


def _identity(document: CalibrationDocument, sha256: str) -> Facts:
    tool, reference = document.tool, document.reference
    weights = reference.kind == "weights"
    rows = [
        ("Tool", _tool(document)),
        ("Load cell", f"{tool.load_cell or _NOT_STATED}, made for {tool.capacity_n:g} N"),
        ("Converter", tool.converter or _NOT_STATED),
        ("Firmware", tool.firmware or _NOT_STATED),
        ("Tip", _tip(document)),
        ("Compared with", f"{'weights' if weights else 'a reference gauge'}: {reference.description or _NOT_STATED}"),
        (
            "Tolerance of these",
            _NOT_STATED
            if reference.tolerance is None
            else f"± {100 * reference.tolerance:.3g} % of {'mass' if weights else 'force'}, as stated by the user",
        ),
        (
            "Traceability",
            f"{reference.certificate} (as stated by the user)"
            if reference.certificate
            else "no certificate of the reference was stated",
        ),
    ]
    if reference.gravity_m_s2 is not None:
        known = (
            f", standard uncertainty {reference.gravity_standard_m_s2:.2g} m/s²"
            if reference.gravity_standard_m_s2 is not None
            else ""
        )
        rows.append(("Gravity", f"{reference.gravity_m_s2:.5f} m/s²{known}"))
    rows += [
        ("Place", reference.place or _NOT_STATED),
        ("Made by", document.made_by or _NOT_STATED),
        ("Made at", moment_words(document.made_at)),
        ("Valid until", document.expires_on),
        ("Calibration", document.calibration_id),
        ("SHA-256, short", sha256[:_SHORT_HASH]),
        ("SHA-256", sha256),
    ]
    return Facts(tuple(rows), frozenset({"SHA-256", "SHA-256, short"}))


def _tool(document: CalibrationDocument) -> str:
    number = f"serial number {document.tool.serial_number}"
    return f"{document.tool.name}, {number}" if document.tool.name else number


def _tip(document: CalibrationDocument) -> str:
    tip = document.tip
    words = [", ".join(part for part in (tip.name, tip.edge) if part) or _NOT_STATED]
    if tip.area_cm2 is None:
        words.append("contact area not known, so no kilopascals")
    else:
        known = f" ± {tip.area_uncertainty_cm2:g}" if tip.area_uncertainty_cm2 is not None else ""
        how = f" ({tip.area_method})" if tip.area_method else ""
        words.append(f"contact area {tip.area_cm2:g}{known} cm²{how}")
    if tip.weight_n is not None:
        known = f", standard uncertainty {tip.weight_standard_n:.2g} N" if tip.weight_standard_n is not None else ""
        words.append(f"it weighs {decimal(tip.weight_n, 3)} N on the cell{known}")
    return "; ".join(words)


def _notes(document: CalibrationDocument) -> list[Block]:
    return [Heading("Notes"), Bullets(document.notes)] if document.notes else []


def _uncertainty(document: CalibrationDocument) -> list[Block]:
    columns = (
        Column("Force, N", numeric=True),
        Column("Uncertainty, N", numeric=True),
        Column("Share of the force", numeric=True),
        Column("k", numeric=True),
    )
    rows = tuple(
        Row(
            (
                newtons(at.force_n),
                f"± {uncertainty(at.expanded_n)}",
                percent(at.expanded_n / abs(at.force_n)) if at.force_n else "–",
                _factor(at),
            )
        )
        for at in document.uncertainty
    )
    largest = max(document.uncertainty, key=lambda at: at.force_n)
    blocks: list[Block] = [
        Heading("How sure a force is"),
        Table("Uncertainty of a force that the tool shows, about 95 %", columns, rows),
    ]
    left_out = _left_out(document.uncertainty)
    if left_out:
        blocks.append(Paragraph(f"Not in these figures, because it was not stated: {', '.join(left_out)}."))
    blocks.append(_budget(largest))
    return blocks


def _budget(at: UncertaintyAt) -> Table:
    total = sum(standard_n**2 for _, _, standard_n in at.rows)
    rows = [
        Row((name, source, decimal(1000 * standard_n, 2), _share(standard_n**2, total)))
        for name, source, standard_n in sorted(at.rows, key=lambda row: -row[2])
    ]
    rows.append(Row(("all together", "root of the sum of squares", decimal(1000 * total**0.5, 2), ""), strong=True))
    rows.append(Row(("uncertainty", f"times k = {_factor(at)}", decimal(1000 * at.expanded_n, 2), ""), strong=True))
    return Table(
        f"Where it comes from, at {newtons(at.force_n)} N",
        (
            Column("What", width=1.3),
            Column("Where its size comes from", width=2.6),
            Column("Standard uncertainty, mN", numeric=True, width=1.2),
            Column("Share of variance", numeric=True),
        ),
        tuple(rows),
    )


def _share(part: float, total: float) -> str:
    if not total:
        return "–"
    return "< 1 %" if 0 < part < 0.005 * total else percent(part / total, 0)


def _curve(document: CalibrationDocument) -> list[Block]:
    coefficients = document.curve.coefficients
    terms = ["c0", "c1 · n", *(f"c{power} · n{'²³⁴⁵'[power - 2]}" for power in range(2, len(coefficients)))]
    units = ["N", "N per count", *(f"N per count{'²³⁴⁵'[power - 2]}" for power in range(2, len(coefficients)))]
    rows = tuple((f"c{power}", f"{value!r} {units[power]}") for power, value in enumerate(coefficients))
    freedom = document.curve.degrees_of_freedom
    return [
        Heading("The curve"),
        Paragraph(f"Force in newtons = {' + '.join(terms[: len(coefficients)])}, with n = raw counts less zero."),
        Facts(rows, frozenset(name for name, _ in rows)),
        Paragraph(
            f"Standard deviation of the points about it: {decimal(1000 * document.curve.residual_sd_n, 2)} mN, with "
            f"{freedom} degree{'' if freedom == 1 else 's'} of freedom.",
            fine=True,
        ),
    ]


def _left_out(uncertainties: Sequence[UncertaintyAt]) -> list[str]:
    named: dict[str, None] = {}
    for at in uncertainties:
        named.update(dict.fromkeys(at.unknown))
    return list(named)


def _factor(at: UncertaintyAt) -> str:
    return f"{at.coverage_factor:.2f}".rstrip("0").rstrip(".")
