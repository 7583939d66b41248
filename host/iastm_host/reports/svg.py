"""A drawing as SVG. Colours stand in the shapes for whoever reads no style, and in classes for pages light or dark."""

from __future__ import annotations

from html import escape

from iastm_host.reports.drawing import Area, Drawing, Item, Label, Mark, Path, Role, Xy, outline
from iastm_host.reports.numbers import clean
from iastm_host.reports.palette import DARK, LIGHT

FONT = "Inter, system-ui, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"


def style() -> str:
    """Return the rules that give classes the colours of variables --ink, --text…, which the page sets."""
    return "".join(
        f".f-{role}{{fill:var(--{role},{colour})}}.s-{role}{{stroke:var(--{role},{colour})}}"
        for role, colour in LIGHT.items()
    )


def variables(colours: dict[Role, str]) -> str:
    """Return the declarations of a palette."""
    return "".join(f"--{role}:{colour};" for role, colour in colours.items())


def to_svg(drawing: Drawing, *, alone: bool = False) -> str:
    """Return an <svg> element for a page that has `style()`; `alone` makes it a file, with ground and style."""
    name = escape(drawing.name)
    width, height = _number(drawing.width), _number(drawing.height)
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    head = (
        f'<svg{space} role="img" aria-labelledby="{name}-title {name}-description" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="{escape(FONT)}">'
        f'<title id="{name}-title">{escape(clean(drawing.title))}</title>'
        f'<desc id="{name}-description">{escape(clean(drawing.description))}</desc>'
    )
    if alone:
        dark = f"@media (prefers-color-scheme:dark){{svg{{{variables(DARK)}}}}}"
        head += f"<style>svg{{{variables(LIGHT)}}}{dark}{style()}</style>"
        head += f'<rect width="{width}" height="{height}" {_fill("paper")}/>'
    return head + "".join(_element(item) for item in drawing.items) + "</svg>"


def _element(item: Item) -> str:
    match item:
        case Path(points, role, line_width, dash):
            dashes = f' stroke-dasharray="{_number(dash)}"' if dash else ""
            return (
                f'<polyline points="{_points(points)}" fill="none" {_stroke(role)} '
                f'stroke-width="{_number(line_width)}"{dashes}/>'
            )
        case Area(points, role):
            return f'<polygon points="{_points(points)}" {_fill(role)}/>'
        case Mark():
            return _mark(item)
        case Label():
            return _label(item)


def _mark(mark: Mark) -> str:
    fill, stroke = (mark.role if mark.filled else "paper"), mark.role
    paint = f'fill="{LIGHT[fill]}" stroke="{LIGHT[stroke]}" class="f-{fill} s-{stroke}" stroke-width="1.2"'
    if mark.shape == "circle":
        return f'<circle cx="{_number(mark.x)}" cy="{_number(mark.y)}" r="{_number(mark.radius)}" {paint}/>'
    return f'<polygon points="{_points(outline(mark))}" {paint}/>'


def _label(label: Label) -> str:
    bold = ' font-weight="600"' if label.bold else ""
    turn = f' transform="rotate(-90 {_number(label.x)} {_number(label.y)})"' if label.turned else ""
    return (
        f'<text x="{_number(label.x)}" y="{_number(label.y)}" text-anchor="{label.anchor}" '
        f'font-size="{_number(label.size)}"{bold}{turn} {_fill(label.role)}>{escape(clean(label.text))}</text>'
    )


def _fill(role: Role) -> str:
    return f'fill="{LIGHT[role]}" class="f-{role}"'


def _stroke(role: Role) -> str:
    return f'stroke="{LIGHT[role]}" class="s-{role}"'


def _points(points: tuple[Xy, ...]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:g}" if abs(value) < 1e4 else f"{value:.0f}"
