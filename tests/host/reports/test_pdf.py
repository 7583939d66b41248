"""PDF: the same bytes for the same report, any script, any text, with whatever fonts there are."""

import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iastm_host.reports.blocks import Bullets, Column, Facts, Heading, Notice, Paragraph, Report, Result, Row, Table
from iastm_host.reports.certificate import certificate
from iastm_host.reports.fonts import font_folders, found_fonts
from iastm_host.reports.paper import LETTER
from iastm_host.reports.pdf import to_pdf

MADE_AT = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def report_of(text):
    table = Table(text, (Column(text), Column("n", numeric=True)), (Row((text, "1"), note=text), Row((text, "2"))))
    return Report(
        title=text,
        subtitle=text,
        blocks=(
            Notice(text, text),
            Result(text, text),
            Heading(text),
            Paragraph(text),
            Bullets((text,)),
            Facts(((text, text),), frozenset({text})),
            table,
        ),
        footer=text,
        author=text,
        made_at=MADE_AT,
    )


def text_of(pdf):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_the_same_document_makes_the_same_bytes_whatever_came_between(document):
    first = to_pdf(certificate(document()))
    to_pdf(certificate(document(full=True, made_by="Жанна")))
    assert to_pdf(certificate(document())) == first


def test_another_document_makes_other_bytes(document):
    assert to_pdf(certificate(document(made_by="B. Example"))) != to_pdf(certificate(document()))


def test_the_bytes_hang_neither_on_the_process_nor_on_the_clock_s_zone():
    script = (
        "import hashlib, datetime\n"
        "from iastm_host.reports.blocks import Paragraph, Report\n"
        "from iastm_host.reports.pdf import to_pdf\n"
        "at = datetime.datetime(2026, 11, 21, 14, 10, tzinfo=datetime.UTC)\n"
        "report = Report('Title', 'Subtitle', (Paragraph('αβγ Жанна 1 ± 2 ⁴'),), 'foot', 'by', at)\n"
        "print(hashlib.sha256(to_pdf(report)).hexdigest())\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Kolkata"))
    }
    assert len(seen) == 1
    assert len(seen.pop().strip()) == 64


def test_the_library_is_loaded_when_a_pdf_is_asked_for_and_not_before():
    rooms = "iastm_host.reports.certificate, iastm_host.reports.control_chart"
    script = f"import sys, {rooms}; print('reportlab' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == "False"


@pytest.mark.skipif(not found_fonts(font_folders()), reason="no font of the system is known here")
def test_names_in_greek_and_cyrillic_can_be_read_and_copied():
    assert {"Ελένη", "Жанна"} <= set(text_of(to_pdf(report_of("Ελένη Жанна"))).split())


@pytest.mark.parametrize(
    "name", ["王小明", "שרה כהן", "محمد", "สมชาย", "प्रिया", "😀", "a\x00b", "x" * 300, "", "\n\n", "a\ud800"]
)
def test_no_name_makes_a_pdf_fail(name):
    pdf = to_pdf(report_of(name))
    assert pypdf.PdfReader(io.BytesIO(pdf)).pages


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=60))
def test_no_text_makes_a_pdf_fail(text):
    assert to_pdf(report_of(text)).startswith(b"%PDF")


def test_markup_in_a_text_is_printed_as_it_is():
    assert "<b>1 & 2</b>" in text_of(to_pdf(report_of("<b>1 & 2</b>"))).replace("\N{NO-BREAK SPACE}", " ")


def test_without_any_font_of_the_system_the_library_s_own_will_do(tmp_path, document):
    pdf = to_pdf(certificate(document(made_by="Ελένη 王小明")), folders=[tmp_path])
    assert "Calibration certificate" in text_of(pdf)
    assert b"Vera" in pdf


def test_a_damaged_font_is_passed_over(tmp_path):
    for name in ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSans.ttf"):
        (tmp_path / name).write_bytes(b"no font at all")
    assert "Ease off" in text_of(to_pdf(report_of("Ease off"), folders=[tmp_path]))


def test_the_size_of_the_paper_is_that_asked_for():
    box = pypdf.PdfReader(io.BytesIO(to_pdf(report_of("x"), LETTER))).pages[0].mediabox
    assert (float(box.width), float(box.height)) == LETTER


def test_a_row_stays_with_its_note_where_pages_break():
    rows = tuple(Row((f"row{number}",), note=f"note{number}") for number in range(120))
    report = Report("t", "s", (Table("c", (Column("h"),), rows),), "f", "a", MADE_AT)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(to_pdf(report))).pages]
    assert len(pages) > 2
    for number in range(120):
        assert sum(f"row{number}\n" in text and f"note{number}" in text for text in pages) == 1


def test_a_note_longer_than_a_page_is_printed_whole():
    note = " ".join(f"word{number}" for number in range(3000))
    report = Report("t", "s", (Table("c", (Column("h"),), (Row(("1",), note=note),)),), "f", "a", MADE_AT)
    found = text_of(to_pdf(report)).split()
    assert set(note.split()) <= set(found)


def test_fonts_are_looked_for_below_their_folders(tmp_path):
    deep = tmp_path / "truetype" / "dejavu"
    deep.mkdir(parents=True)
    (deep / "DejaVuSans.ttf").write_bytes(b"")
    assert found_fonts([Path(tmp_path), tmp_path / "none"]) == {"DejaVuSans.ttf": deep / "DejaVuSans.ttf"}
