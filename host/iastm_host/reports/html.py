"""A report as one HTML file: nothing is fetched, light or dark as the reader has it, light on paper of any size."""

from __future__ import annotations

from html import escape

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
from iastm_host.reports.numbers import bound, clean
from iastm_host.reports.palette import DARK, LIGHT
from iastm_host.reports.svg import FONT, style, to_svg, variables

_STYLE = """
*{box-sizing:border-box}
html{background:var(--ground);color:var(--ink);color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;font:16px/1.5 FONT;font-variant-numeric:tabular-nums}
main{max-width:780px;margin:24px auto;padding:40px 48px 48px;background:var(--paper);border-radius:10px}
header{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 24px;align-items:baseline;
border-bottom:2px solid var(--ink);padding-bottom:10px;margin-bottom:24px}
h1{font-size:26px;line-height:1.2;margin:0}
header p{margin:0;color:var(--text)}
h2{font-size:19px;line-height:1.25;margin:36px 0 10px;break-after:avoid}
p,li{overflow-wrap:anywhere}
p{margin:10px 0}
ul{margin:10px 0;padding-left:22px}
li{margin:5px 0}
.fine,footer{font-size:13.5px;color:var(--text)}
.result{margin:0 0 20px}
.result .headline{font-size:34px;font-weight:700;line-height:1.2;margin:0 0 6px}
.notice{border:2px solid var(--ink);border-radius:8px;padding:10px 14px;margin:0 0 20px}
.notice b{display:inline-block;background:var(--ink);color:var(--paper);padding:0 8px;border-radius:4px;
margin-right:8px}
figure{margin:10px 0;break-inside:avoid}
figure svg{display:block;width:100%;height:auto}
figcaption,caption{font-size:13.5px;color:var(--text);text-align:left}
figcaption{margin-top:4px}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:14px 0}
caption{padding-bottom:6px}
tbody th{font-weight:400}
th,td{padding:5px 10px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);
overflow-wrap:break-word}
thead th{vertical-align:bottom;border-bottom:1px solid var(--ink);font-weight:600;overflow-wrap:normal}
thead{display:table-header-group}
tr{break-inside:avoid}
.number{text-align:right;white-space:nowrap}
table .number+:not(.number){padding-left:10px}
thead .number{white-space:normal}
th:last-child,td:last-child{padding-right:0}
.narrow{width:auto}
.narrow th,.narrow td{padding-left:18px}
.facts td{overflow-wrap:anywhere}
.facts th{width:11em;font-weight:400;color:var(--text)}
.exact{font-family:ui-monospace,"DejaVu Sans Mono","Liberation Mono",Consolas,Menlo,monospace;
font-size:.9em;word-break:break-all}
.small{font-size:13.5px;line-height:1.35}
.small th,.small td{padding:3px 8px 3px 0}
.small tbody th{white-space:nowrap}
.strong td,.strong th{font-weight:600}
.noted td,.noted th{border-bottom:0}
.small tr.note td,tr.note td{padding-left:10px;border-left:3px solid var(--alarm);white-space:normal;
overflow-wrap:anywhere}
footer{margin-top:36px;padding-top:10px;border-top:1px solid var(--line)}
@media(max-width:640px){main{margin:0;padding:20px 16px;border-radius:0}.facts th{width:8em}}
@page{margin:15mm 14mm 17mm}
@media print{
html{background:#fff}
body{font-size:10.5pt}
main{max-width:none;margin:0;padding:0}
.whole{break-inside:avoid}
h1{font-size:19pt}h2{font-size:13pt;margin:18pt 0 6pt}
.result .headline{font-size:22pt}
figcaption,caption,.fine,footer{font-size:8.5pt}
.small{font-size:8pt}.small th,.small td{padding:1.5pt 5pt 1.5pt 0}
.wide{overflow:visible}
footer{display:none}
@page{@bottom-left{content:FOOTER;font:8pt FONT;color:#3F4B55}
@bottom-right{content:counter(page) " / " counter(pages);font:8pt FONT;color:#3F4B55}}
}
"""


def to_html(report: Report) -> str:
    """Return a whole HTML document."""
    title = f"{report.title} · {report.subtitle}"
    body = "\n".join(_block(block) for block in report.blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Whatever a text may hold: this page runs nothing and asks nobody.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>{_style(report.footer)}</style>\n</head>\n<body>\n<main>\n"
        f"<header><h1>{_text(report.title)}</h1><p>{_text(report.subtitle)}</p></header>\n"
        f"{body}\n<footer>{_text(report.footer)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _style(footer: str) -> str:
    light = f"{variables(LIGHT)}--ground:#EEF1F4;"
    dark = f"{variables(DARK)}--ground:#0D1115;"
    # Dark is for screens: paper stays light whatever the reader's choice.
    colours = f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{style()}"
    return colours + _STYLE.replace("FOOTER", _css_string(footer)).replace("FONT", FONT)


def _css_string(text: str) -> str:
    """Return a string of CSS in which nothing but letters and digits stands unescaped."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in clean(text)) + '"'


def _text(text: str) -> str:
    return escape(bound(clean(text)))


def _lines(text: str) -> str:
    return _text(text).replace("\n", "<br>")


def _block(block: Block) -> str:
    match block:
        case Notice(word, text):
            return f'<p class="notice"><b>{_text(word)}</b>{_lines(text)}</p>'
        case Result(headline, sentence):
            return f'<div class="result"><p class="headline">{_text(headline)}</p><p>{_lines(sentence)}</p></div>'
        case Heading(text):
            return f"<h2>{_text(text)}</h2>"
        case Paragraph(text, fine):
            return f"<p{_class('fine' if fine else '')}>{_lines(text)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{_lines(item)}</li>' for item in items)}</ul>"
        case Facts():
            return _facts(block)
        case Table():
            return _table(block)
        case Figure(drawing, caption):
            return f"<figure>{to_svg(drawing)}<figcaption>{_lines(caption)}</figcaption></figure>"


def _facts(facts: Facts) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_text(name)}</th>'
        f"<td{_class('exact' if name in facts.exact else '')}>{_lines(value)}</td></tr>"
        for name, value in facts.rows
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col"{_class(_kind(column))}>{_text(column.head)}</th>' for column in table.columns)
    rows = "".join(_row(row, table) for row in table.rows)
    total = sum(column.width for column in table.columns)
    shares = [] if table.narrow else [100 * column.width / total for column in table.columns]
    widths = "".join(f'<col style="width:{share:.1f}%">' for share in shares)
    kinds = (("small", table.small), ("narrow", table.narrow), ("whole", table.whole))
    classes = " ".join(word for word, on in kinds if on)
    return (
        f'<div class="wide"><table{_class(classes)}><caption>{_text(table.caption)}</caption>'
        f"<colgroup>{widths}</colgroup><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(row: Row, table: Table) -> str:
    cells = []
    for place, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
        kind = _class(_kind(column))
        # The first cell names its row.
        cells.append(f'<th scope="row"{kind}>{_lines(cell)}</th>' if place == 0 else f"<td{kind}>{_lines(cell)}</td>")
    classes = " ".join(word for word, on in (("strong", row.strong), ("noted", bool(row.note))) if on)
    note = f'<tr class="note"><td colspan="{len(table.columns)}">{_text(row.note)}</td></tr>' if row.note else ""
    return f"<tr{_class(classes)}>{''.join(cells)}</tr>{note}"


def _kind(column: Column) -> str:
    return "number" if column.numeric else ""


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""
