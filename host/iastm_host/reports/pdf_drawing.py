"""A drawing as a part of a PDF's page."""

from __future__ import annotations

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable

from iastm_host.reports.drawing import Area, Drawing, Item, Label, Mark, Path, Role, Xy, outline
from iastm_host.reports.numbers import clean
from iastm_host.reports.palette import LIGHT
from iastm_host.reports.pdf_fonts import FontSet

_COLOURS = {role: HexColor(colour) for role, colour in LIGHT.items()}


class DrawnFigure(Flowable):
    """A drawing, as wide as the page's text."""

    def __init__(self, drawing: Drawing, fonts: FontSet, width: float) -> None:
        super().__init__()
        self._drawing = drawing
        self._fonts = fonts
        self._scale = width / drawing.width
        self.width, self.height = width, drawing.height * self._scale

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Return the size in points."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw on the canvas that the page gave."""
        self.canv.scale(self._scale, self._scale)
        for item in self._drawing.items:
            self._draw(item)

    def _draw(self, item: Item) -> None:
        match item:
            case Path(points, role, width, dash):
                self.canv.setStrokeColor(_COLOURS[role])
                self.canv.setLineWidth(width)
                self.canv.setDash([dash] if dash else [])
                self._shape(points, closed=False, fill=False, stroke=True)
                self.canv.setDash([])
            case Area(points, role):
                self.canv.setFillColor(_COLOURS[role])
                self._shape(points, closed=True, fill=True, stroke=False)
            case Mark():
                self._mark(item)
            case Label():
                self._label(item)

    def _mark(self, mark: Mark) -> None:
        role: Role = mark.role if mark.filled else "paper"
        self.canv.setFillColor(_COLOURS[role])
        self.canv.setStrokeColor(_COLOURS[mark.role])
        self.canv.setLineWidth(1.2)
        if mark.shape == "circle":
            self.canv.circle(mark.x, self._drawing.height - mark.y, mark.radius, stroke=1, fill=1)
        else:
            self._shape(outline(mark), closed=True, fill=True, stroke=True)

    def _shape(self, points: tuple[Xy, ...], *, closed: bool, fill: bool, stroke: bool) -> None:
        path = self.canv.beginPath()
        for place, (x, y) in enumerate(points):
            (path.lineTo if place else path.moveTo)(x, self._drawing.height - y)
        if closed:
            path.close()
        self.canv.drawPath(path, stroke=int(stroke), fill=int(fill))

    def _label(self, label: Label) -> None:
        font = self._fonts.bold if label.bold else self._fonts.regular
        text = clean(label.text)
        width = self._fonts.width(text, font, label.size)
        self.canv.saveState()
        self.canv.translate(label.x, self._drawing.height - label.y)
        if label.turned:
            self.canv.rotate(90)
        self.canv.setFillColor(_COLOURS[label.role])
        x = {"start": 0.0, "middle": -width / 2, "end": -width}[label.anchor]
        for name, run in self._fonts.runs(text, font):
            self.canv.setFont(name, label.size)
            self.canv.drawString(x, 0, run)
            x += self._fonts.width(run, name, label.size)
        self.canv.restoreState()
