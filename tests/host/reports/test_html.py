"""HTML: one file that fetches nothing, any text, tables that can be read aloud."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.reports.blocks import Bullets, Column, Facts, Heading, Notice, Paragraph, Report, Result, Row, Table
from iastm_host.reports.certificate import certificate_html
from iastm_host.reports.html import to_html
from iastm_host.reports.numbers import bound, clean

VOID = {"meta", "br", "col", "rect", "circle", "polyline", "polygon"}


class Reader(HTMLParser):
    """Reads a page strictly: every element that opens closes, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def report_of(text):
    table = Table(text, (Column(text), Column("n", numeric=True)), (Row((text, "1"), note=text),))
    return Report(
        text,
        text,
        (
            Notice(text, text),
            Result(text, text),
            Heading(text),
            Paragraph(text),
            Bullets((text,)),
            Facts(((text, text),), frozenset({text})),
            table,
        ),
        text,
        text,
        None,
    )


@pytest.mark.parametrize("full", [False, True])
def test_a_certificate_fetches_and_runs_nothing(document, full):
    html = certificate_html(document(full=full))
    assert "://" not in html
    assert not re.search(r"url\(|@import|<script|<link|<iframe|<img| src=| href=| on[a-z]+=", html)
    assert "default-src 'none'" in html


def test_a_certificate_is_well_formed_and_says_its_language_and_title(document):
    page = read(certificate_html(document(full=True)))
    tags = dict(reversed(page.seen))
    assert tags["html"]["lang"] == "en"
    assert "Calibration certificate · Simulated tool, serial number SIM-0001" in page.text


def test_tables_have_captions_and_heads_for_columns_and_rows(document):
    page = read(certificate_html(document(full=True)))
    names = [tag for tag, _ in page.seen]
    heads = [attrs.get("scope") for tag, attrs in page.seen if tag == "th"]
    assert set(heads) == {"col", "row"}
    # Facts have heads for rows only.
    with_heads = names.count("thead")
    assert with_heads == names.count("caption") >= 5
    assert names.count("h1") == 1


def test_graphs_have_a_title_and_a_description_under_names_of_their_own(document):
    page = read(certificate_html(document()))
    graphs = [attrs for tag, attrs in page.seen if tag == "svg"]
    assert len(graphs) == 2
    ids = [attrs["id"] for _, attrs in page.seen if "id" in attrs]
    assert len(ids) == len(set(ids)) == 4
    for graph in graphs:
        assert graph["role"] == "img"
        assert set(graph["aria-labelledby"].split()) <= set(ids)


def test_a_page_is_light_on_paper_and_repeats_heads(document):
    html = certificate_html(document())
    assert "@media screen and (prefers-color-scheme:dark)" in html
    assert "thead{display:table-header-group}" in html
    # No size of paper is asked for: A4 and Letter both serve.
    assert not re.search(r"@page\{[^}]*size", html)


@given(st.text(max_size=80))
def test_any_text_comes_out_as_it_went_in(text):
    page = read(to_html(report_of(text)))
    wanted = bound(clean(text))
    if wanted.strip():
        assert "".join(page.text).count(wanted.replace("\n", "")) >= 10 or "\n" in wanted
        assert wanted.splitlines()[0].strip() in "".join(page.text)


def test_line_breaks_of_a_text_stay():
    assert "first<br>second" in to_html(report_of("first\nsecond"))


def test_the_foot_can_t_leave_its_place_in_the_style():
    html = to_html(report_of('"}</style><b>'))
    assert html.count("</style>") == 1
    read(html)
