"""The certificate: what stands in it, in which order, as HTML and PDF."""

import io
import re
from datetime import date

import pypdf
import pytest

from iastm_calibration.calibrate import Use, calibrate
from iastm_calibration.document import content, sha256_of
from iastm_host.events import Problem
from iastm_host.reports.blocks import Facts, Figure, Heading, Notice, Result, Table
from iastm_host.reports.certificate import certificate, certificate_html, certificate_pdf
from iastm_host.reports.numbers import uncertainty
from iastm_host.reports.paper import A4, LETTER
from iastm_host.reports.pdf import to_pdf


def plain(html):
    text = re.sub(r"<[^>]+>", "\n", html)
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("&#x27;", "'")


def pages(pdf):
    texts = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]


def test_the_result_comes_first_and_in_plain_words(document):
    blocks = certificate(document()).blocks
    assert isinstance(blocks[0], Result)
    worst = max(at.expanded_n for at in document().uncertainty)
    assert blocks[0].headline == "± 0.054 N from 0 to 14.72 N"
    assert worst <= 0.054 < worst + 0.001
    assert "in about 95 of 100 cases (k = 2.32)" in blocks[0].sentence
    assert blocks[0].sentence.endswith("Not included, because it was not stated: temperature.")


def test_a_complete_budget_has_nothing_left_out(document):
    html = plain(certificate_html(document(full=True)))
    assert "not stated:" not in html
    assert "includes the temperature of use: within ± 5 K" in html


def test_who_when_with_what_and_until_when_stand_there(document):
    found = document(full=True)
    (facts,) = [block for block in certificate(found).blocks if isinstance(block, Facts) and len(block.rows) > 5]
    rows = dict(facts.rows)
    assert rows["Tool"] == "Simulated tool, serial number SIM-0001"
    assert rows["Load cell"] == "TAL220B 5 kg, made for 49 N"
    assert rows["Converter"] == "HX711, 24 bit, 80/s"
    assert rows["Tip"].startswith("Hook, rounded, 3 mm; contact area 1.2 ± 0.1 cm² (ink print)")
    assert rows["Compared with"] == "weights: kitchen set, 100 g to 1.5 kg"
    assert rows["Tolerance of these"] == "± 0.5 % of mass, as stated by the user"
    assert rows["Traceability"] == "no certificate of the reference was stated"
    assert rows["Gravity"] == "9.81234 m/s², standard uncertainty 0.0002 m/s²"
    assert rows["Made by"] == "A. Example"
    assert rows["Made at"] == "2026-11-21 15:10 +01:00"
    assert rows["Valid until"] == "2027-11-21"
    sha256 = sha256_of(content(found)).hex()
    assert rows["SHA-256"] == sha256
    assert rows["SHA-256, short"] == sha256[:8]


def test_a_reference_gauge_is_called_one_and_has_no_gravity(document):
    rows = dict(
        next(block for block in certificate(document(against_gauge=True)).blocks if isinstance(block, Facts)).rows
    )
    assert rows["Compared with"] == "a reference gauge: Force gauge FG-50, no. 1187"
    assert "Gravity" not in rows


def test_what_is_not_known_is_said_and_never_zero(document):
    html = plain(certificate_html(document()))
    assert "contact area not known, so no kilopascals" in html
    assert "The temperature was not recorded." in html
    figures = next(
        b for b in certificate(document()).blocks if isinstance(b, Table) and b.caption.startswith("Figures")
    )
    values = {row.cells[0]: row.cells[1] for row in figures.rows}
    assert values["Creep"] == values["Repeatability"] == "not taken"
    assert values["Zero return"] == "−1.1 mN"


def test_both_graphs_stand_before_the_tables(document):
    blocks = certificate(document()).blocks
    figures = [place for place, block in enumerate(blocks) if isinstance(block, Figure)]
    tables = [place for place, block in enumerate(blocks) if isinstance(block, Table)]
    assert len(figures) == 2
    assert max(figures) < min(tables)


def test_every_point_is_in_the_table_zeros_included(document):
    found = document(full=True)
    table = [block for block in certificate(found).blocks if isinstance(block, Table)][-1]
    assert len(table.rows) == len(found.points) == 144
    heads = [column.head for column in table.columns]
    loads = [row.cells[heads.index("Load")].replace("\N{NO-BREAK SPACE}", " ") for row in table.rows]
    assert loads.count("zero before") == loads.count("zero after") == 9
    assert loads.count("1500 g up") == loads.count("1500 g down") == 9


def test_differences_in_the_table_are_tool_less_reference(document):
    found = document()
    table = [block for block in certificate(found).blocks if isinstance(block, Table)][-1]
    at = [column.head for column in table.columns].index("Difference, mN")
    slope = found.curve.coefficients[1]
    # The second point lies a tenth of the way between the zeros of its series.
    zero = found.points[0].counts + (found.points[-1].counts - found.points[0].counts) / 10
    expected = 1000 * ((found.points[1].counts - zero) * slope - found.points[1].reference_n)
    assert float(table.rows[1].cells[at].replace("−", "-")) == pytest.approx(expected, abs=0.06)
    assert table.rows[0].cells[at] == ""


def test_coefficients_have_all_their_digits(document):
    found = document(full=True)
    html = certificate_html(found)
    for coefficient in found.curve.coefficients[1:]:
        assert repr(coefficient) in html
        assert float(repr(coefficient)) == coefficient


def test_the_budget_adds_up_to_what_is_stated(document):
    found = document(full=True)
    budget = next(b for b in certificate(found).blocks if isinstance(b, Table) and b.caption.startswith("Where it"))
    assert budget.caption == "Where it comes from, at 14.72 N"
    *rows, together, expanded = budget.rows
    assert [row.cells[0] for row in rows[:2]] == ["orientation", "temperature"]
    squares = sum(float(row.cells[2]) ** 2 for row in rows)
    assert float(together.cells[2]) == pytest.approx(squares**0.5, abs=0.2)
    assert float(expanded.cells[2]) == pytest.approx(1000 * found.uncertainty[-1].expanded_n, abs=0.06)


def test_limits_of_validity_are_all_there(document):
    html = plain(certificate_html(document(full=True)))
    for words in (
        "Forces from 0 to 14.72 N. Beyond these loads nothing is stated.",
        "90°, 60° and 45° to the horizontal",
        "does not see shear",
        "Static loads.",
        "Another hash is another calibration.",
        "not a medical device",
        "Computed after ASTM E74 and ISO 376; conformity with either is not claimed.",
    ):
        assert words in html, words


def test_classes_and_shortfalls_stand_in_the_annex_only(document):
    text = plain(certificate_html(document(full=True)))
    before, annex = text.split("Annex: classes")
    assert "A, from 2.96 N up" in annex
    assert "after ASTM E74: 7 different forces of 10" in annex
    assert "2.96" not in before
    assert "none reached" in plain(certificate_html(document())).split("Annex: classes")[1]


def test_the_method_is_told_from_the_points(document):
    quick, full = plain(certificate_html(document())), plain(certificate_html(document(full=True)))
    assert "5 known weights were hung on the tip, rising and falling, in 1 run, with the measuring axis at 90°" in quick
    assert "straight line through zero" in quick
    assert "7 known weights were hung on the tip, rising and falling, in 3 runs" in full
    assert "polynomial of degree 2 through zero" in full


def test_notes_are_kept_whole_and_their_points_marked(document):
    note = "The string touched the stand; " * 6
    found = document(notes={5: note.strip()}, document_notes=("Weighed on the pharmacy's balance.",))
    html = plain(certificate_html(found))
    assert f"Note to point 5: {note.strip()}" in html
    assert "Weighed on the pharmacy's balance." in html
    assert any(isinstance(block, Notice) and block.word == "Noted" for block in certificate(found).blocks)
    assert html.count("point 5, noted") == 2


def test_without_notes_nothing_is_noted(document):
    assert not [block for block in certificate(document()).blocks if isinstance(block, Notice)]


def test_an_expired_certificate_says_so_at_the_top(document):
    assert "Expired" not in certificate_html(document(), today=date(2027, 11, 21))
    report = certificate(document(), today=date(2027, 11, 22))
    assert report.blocks[0] == Notice(
        "Expired", "It was valid until 2027-11-21. Calibrate before you rely on the forces."
    )


def test_a_document_s_text_can_t_become_markup(document):
    evil = '<script>alert("1")</script>&amp;'
    found = document(made_by=evil, notes={3: evil}, document_notes=(evil,))
    html = certificate_html(found)
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;") == 3


def test_the_pdf_has_every_word_of_a_page_and_a_foot_on_each(document, tmp_path):
    found = document(full=True, notes={30: "Wind from the door."})
    path = tmp_path / "certificate.pdf"
    certificate_pdf(found, path)
    texts = pages(path.read_bytes())
    for number, text in enumerate(texts, 1):
        assert f"{number} / {len(texts)}" in text
        assert "Calibration SIM-0001 2026-11-21" in text
    whole = "\n".join(texts)
    for block in certificate(found).blocks:
        if isinstance(block, Heading):
            assert block.text in whole
    assert "Note to point 30: Wind from the door." in whole


def test_heads_of_the_points_are_repeated_on_each_page(document):
    report = certificate(document(full=True))
    for paper in (A4, LETTER):
        with_points = [text for text in pages(to_pdf(report, paper)) if re.search(r"\d\d:\d\d:\d\d", text)]
        assert len(with_points) >= 3
        assert all("Raw counts" in text and "All 144 points" in text for text in with_points)


def test_no_heading_is_left_alone_at_the_foot_of_a_page(document):
    for full in (False, True):
        report = certificate(document(full=full, notes={5: "x"}, document_notes=("y",)))
        headings = {block.text for block in report.blocks if isinstance(block, Heading)}
        for text in pages(to_pdf(report)):
            # The foot's two lines are drawn last.
            lines = [line for line in text.splitlines() if line.strip()]
            assert lines[-3] not in headings


def test_the_pdf_is_that_of_its_document(document, tmp_path):
    path = tmp_path / "certificate.pdf"
    certificate_pdf(document(made_by="Ελένη"), path)
    reader = pypdf.PdfReader(path)
    assert reader.metadata is not None
    assert reader.metadata.title == "Calibration certificate · Simulated tool, serial number SIM-0001"
    assert reader.metadata.author == "Ελένη"
    # 15:10 at +01:00.
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.isoformat() == "2026-11-21T14:10:00+00:00"


@pytest.mark.parametrize("full", [False, True])
def test_what_the_calibration_itself_makes_becomes_a_certificate(document, tmp_path, full):
    by_hand = document(full=full)
    made = calibrate(
        by_hand.points,
        by_hand.tool,
        by_hand.reference,
        by_hand.tip,
        Use(temperature_half_width_k=5.0, zero_per_k_n=0.001, span_per_k=1e-4, angle_half_width_deg=30.0),
        method=by_hand.method,
        made_by=by_hand.made_by,
        made_at=by_hand.made_at,
        expires_on=by_hand.expires_on,
        calibration_id=by_hand.calibration_id,
    )
    # The table shows the differences that the figures were found from.
    table = [block for block in certificate(made).blocks if isinstance(block, Table)][-1]
    at = [column.head for column in table.columns].index("Difference, mN")
    differences = [float(row.cells[at].replace("−", "-")) for row in table.rows if row.cells[at]]
    upright = [each for each, row in zip(differences, _loaded(table, at), strict=True) if row.cells[2] == "90°"]
    assert max(upright, key=abs) == pytest.approx(1000 * made.figures.largest_residual_n, abs=0.06)
    certificate_pdf(made, tmp_path / "certificate.pdf")
    assert (
        f"± {uncertainty(made.uncertainty[-1].expanded_n)} N" in pages((tmp_path / "certificate.pdf").read_bytes())[0]
    )


def _loaded(table, at):
    return [row for row in table.rows if row.cells[at]]


def test_a_certificate_is_never_overwritten(document, tmp_path):
    path = tmp_path / "certificate.pdf"
    path.write_bytes(b"another")
    with pytest.raises(Problem, match="exists and is not overwritten"):
        certificate_pdf(document(), path)
    assert path.read_bytes() == b"another"
