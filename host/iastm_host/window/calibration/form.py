"""The first page: a form of what is stated before anything is measured. Words of what is wrong stand at their field."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QWidget

from iastm_host.app.calibrating.plan import minutes
from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL, QUICK
from iastm_host.app.calibrating.snapshot import Setup
from iastm_host.app.calibrating.written import loads_words
from iastm_host.window.calibration.buttons import Choice
from iastm_host.window.calibration.fields import mark_wrong, style_field
from iastm_host.window.calibration.form_values import setup_of, words_of
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.places import Type
from iastm_host.window.calibration.text import LEFT, TOP, Text, size_within
from iastm_host.window.theme import Theme

METHODS = (
    (QUICK, "Quick", "Five loads, once up and down, upright. Its wider uncertainty is stated."),
    (FULL, "Full", "Seven loads, three runs, each at 90°, 60° and 45°. For a certificate."),
)
REFERENCES = ((False, "Weights", ""), (True, "A gauge", ""))

_LOADS_HELP = "Lightest first. Other units are understood: 0.5 kg."

# Rows of each column: (fields with their labels, what helps).
_WHO = (((("made_by", "Who calibrates"), ("expires_months", "Months valid")), "Both stand on the certificate."),)
_PLACE = (
    ((("latitude_deg", "Latitude, °"), ("height_m", "Height, m")), "Gravity follows from the place. Empty: unknown."),
)
_REFERENCE = (
    ((("loads_kg", "Loads, in grams"),), _LOADS_HELP),
    ((("tolerance", "Tolerance"),), "Class M1, M2 or M3, or ± in %. Empty: unknown."),
    ((("weights_description", "Weights, or gauge"),), "Maker and set, as they are marked."),
    ((("certificate", "Their certificate"),), "Its number, where there is one."),
)
_TOOL = (
    ((("tip_name", "Tip"), ("tip_edge", "Its edge")), "As in the session: Tip B, bevelled."),
    (
        (("tip_area", "Area, cm²"), ("tip_area_uncertainty", "± cm², k = 2")),
        "In contact. Empty: no pressure is shown.",
    ),
    ((("tip_method", "Area measured how"),), "Ink print on paper, for example."),
    ((("load_cell", "Load cell"), ("converter", "Converter")), "As they are marked."),
)


class FieldCell(Panel):
    """One field or two side by side, their labels above and a line of help or of what is wrong below."""

    grounded = False

    def __init__(self, fields: tuple[tuple[str, str], ...], help_: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._labels = tuple(label for _, label in fields)
        self._help = help_
        # The first of two has more room where it is a person's name.
        self._share = 0.62 if fields[0][0] == "made_by" else 0.5
        self._wrong: dict[str, str] = {}
        self.edits: dict[str, QLineEdit] = {}
        for name, label in fields:
            edit = QLineEdit(self)
            edit.setAccessibleName(label)
            edit.setAccessibleDescription(help_)
            edit.setMaxLength(160)
            self.edits[name] = edit

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        for edit in self.edits.values():
            style_field(edit, theme, type_)

    def set_wrong(self, wrong: dict[str, str]) -> None:
        """Show what is wrong with these fields, or the help again."""
        self._wrong = {name: words for name, words in wrong.items() if name in self.edits}
        for name, edit in self.edits.items():
            mark_wrong(edit, name in self._wrong)
            edit.setAccessibleDescription(self._wrong.get(name, self._help))
        self.update()

    def set_help(self, help_: str) -> None:
        """Show another help."""
        if help_ != self._help:
            self._help = help_
            for edit in self.edits.values():
                edit.setAccessibleDescription(help_)
            self.update()

    @property
    def needed_height(self) -> float:
        """The height that labels, fields and two lines below them take."""
        base = self.type.base
        return base.near * 1.5 + self._edit_height + base.small * 2.75 + base.gap

    @property
    def _edit_height(self) -> float:
        return self.type.button - 10.0

    def _column(self, place: int) -> tuple[float, float]:
        """Return left and width of a field."""
        if len(self._labels) == 1:
            return 0.0, float(self.width())
        gap = 12.0
        first = (self.width() - gap) * self._share
        return (0.0, first) if place == 0 else (first + gap, self.width() - gap - first)

    def arrange(self) -> None:
        """Place the fields."""
        top = self.type.base.near * 1.5
        for place, edit in enumerate(self.edits.values()):
            left, width = self._column(place)
            edit.setGeometry(round(left), round(top), round(width), round(self._edit_height))

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        base = self.type.base
        found = []
        for place, label in enumerate(self._labels):
            left, width = self._column(place)
            rect = QRectF(left, 0, width, base.near * 1.5)
            size = size_within(label, base.near, 600, width, rect.height())
            found.append(Text(rect, label, size, 600, "text", LEFT))
        top = base.near * 1.5 + self._edit_height + 2
        below = QRectF(0, top, self.width(), base.small * 2.75)
        words = next(iter(self._wrong.values()), self._help)
        weight, token = (700, "text") if self._wrong else (400, "text2")
        size = size_within(words, base.small, weight, below.width(), below.height())
        found.append(Text(below, words, size, weight, token, TOP, wraps=True))
        return tuple(found)


class PrepareForm(Panel):
    """Who calibrates, how, with what, which tool."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before = Setup()
        self._filled = False
        self._asked = False
        self._methods = QButtonGroup(self)
        self._references = QButtonGroup(self)
        self._who = self._cells(_WHO)
        self.choices: list[Choice] = [
            self._choice(self._methods, number, f"{name}, about {minutes_of(method)} minutes", meaning)
            for number, (method, name, meaning) in enumerate(METHODS)
        ]
        self.choices += [
            self._choice(self._references, number, name, meaning)
            for number, (_, name, meaning) in enumerate(REFERENCES)
        ]
        self._place, self._reference, self._tool = (self._cells(rows) for rows in (_PLACE, _REFERENCE, _TOOL))
        self.cells = (*self._who, *self._place, *self._reference, *self._tool)
        self.edits = {name: edit for cell in self.cells for name, edit in cell.edits.items()}
        for edit in self.edits.values():
            edit.textEdited.connect(self._edited)
        self._methods.idToggled.connect(self._method_chosen)
        self._references.idToggled.connect(self._edited)
        self._heads: tuple[Text, ...] = ()
        self.needed_height = 0
        self.fill(Setup())
        self._filled = False
        self.setAccessibleName("Prepare")

    def _cells(self, rows: tuple[tuple[tuple[tuple[str, str], ...], str], ...]) -> tuple[FieldCell, ...]:
        return tuple(FieldCell(fields, help_, self) for fields, help_ in rows)

    def _choice(self, group: QButtonGroup, number: int, name: str, meaning: str) -> Choice:
        choice = Choice(name, meaning, self)
        group.addButton(choice, number)
        return choice

    # What it says

    @property
    def method(self) -> str:
        """The method chosen."""
        return METHODS[self._methods.checkedId()][0]

    def fill_once(self, setup: Setup) -> None:
        """Show a setup, the first time only: what is written later is the person's."""
        if not self._filled:
            self.fill(setup)
            self._filled = True

    def fill(self, setup: Setup) -> None:
        """Show a setup. A gauge can be chosen where one was proposed: whoever proposes it has connected it."""
        self._before = setup
        gauge = self.choices[len(METHODS) + 1]
        gauge.setEnabled(setup.against_gauge)
        gauge.setAccessibleDescription("" if setup.against_gauge else "None was connected at the start.")
        self.choices[[way[0] for way in METHODS].index(setup.method)].setChecked(True)
        self.choices[len(METHODS) + int(setup.against_gauge)].setChecked(True)
        for name, words in words_of(setup).items():
            self.edits[name].setText(words)
            self.edits[name].setCursorPosition(0)
        self._show_wrong({})
        self._edited()

    def read(self) -> tuple[Setup, dict[str, str]]:
        """Return what is stated, and what is wrong with it: field to words."""
        words = {name: edit.text() for name, edit in self.edits.items()}
        gauge = bool(REFERENCES[self._references.checkedId()][0])
        setup, wrong = setup_of(words, self.method, gauge, self._before)
        for field, said in setup.problems():
            wrong.setdefault(field, said)
        return setup, wrong

    def accept(self) -> Setup | None:
        """Return the setup; None where something is wrong, which is shown, the focus at the first of it."""
        setup, wrong = self.read()
        self._asked = True
        self._show_wrong(wrong)
        if not wrong:
            return setup
        first = next((edit for name, edit in self.edits.items() if name in wrong), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.OtherFocusReason)
            first.selectAll()
        return None

    def _show_wrong(self, wrong: dict[str, str]) -> None:
        for cell in self.cells:
            cell.set_wrong(wrong)

    def _edited(self, *_: object) -> None:
        """Say what the loads come to, and what is wrong as it changes once it was asked for."""
        setup, wrong = self.read()
        self._reference[0].set_help(_LOADS_HELP if "loads_kg" in wrong else loads_help(setup))
        if self._asked:
            self._show_wrong(wrong)

    def _method_chosen(self, number: int, chosen: bool) -> None:
        """Loads that nobody changed follow the method."""
        others = {loads_words(loads) for loads in DEFAULT_LOADS_KG.values()}
        if chosen and self.edits["loads_kg"].text() in others:
            self.edits["loads_kg"].setText(loads_words(DEFAULT_LOADS_KG[METHODS[number][0]]))
        self._edited()

    # Where it stands

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        for cell in self.cells:
            cell.set_style(theme, type_)
        for choice in self.choices:
            choice.set_style(theme, type_)

    def arrange(self, width: int) -> int:
        """Place everything in a form of that width, and return the height that it needs."""
        pad, base = self.type.pad, self.type.base
        three = width >= 900
        gap = pad
        column = (width - 2 * pad - 2 * gap) / 3 if three else width - 2.0 * pad
        heads: list[Text] = []
        bottom = top = pad - 4.0
        columns: tuple[tuple[str, tuple[FieldCell, ...], tuple[FieldCell, ...]], ...] = (
            ("Who and how", self._who, self._place),
            ("Compared with", self._reference, ()),
            ("Tip and tool", self._tool, ()),
        )
        for place, (title, before, after) in enumerate(columns):
            left = pad + place * (column + gap) if three else float(pad)
            y = top if three else bottom
            heads.append(Text(QRectF(left, y, column, base.near * 1.6), title, base.near, 700, "text2"))
            y = self._stack(before, left, y + base.near * 1.6 + 8, column)
            if after:
                y = self._stack(after, left, self._stack_choices(left, y, column), column)
            bottom = max(bottom, y)
        self._heads = tuple(heads)
        self.needed_height = round(bottom + pad - base.gap)
        return self.needed_height

    def _stack(self, cells: tuple[FieldCell, ...], left: float, top: float, width: float) -> float:
        """Place cells below each other; return where the next one begins."""
        for cell in cells:
            height = round(cell.needed_height)
            cell.setGeometry(round(left), round(top), round(width), height)
            cell.arrange()
            top += height + 2
        return top

    def _stack_choices(self, left: float, top: float, width: float) -> float:
        """Place the choices; return where the next cell begins."""
        for choice in self.choices[: len(METHODS)]:
            height = choice.heightForWidth(round(width))
            choice.setGeometry(round(left), round(top), round(width), height)
            top += height + 8
        half = (width - 8) / 2
        height = self.type.button - 8
        for place, choice in enumerate(self.choices[len(METHODS) :]):
            choice.setGeometry(round(left + place * (half + 8)), round(top), round(half), height)
        return top + height + self.type.base.gap + 4

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        return self._heads


def minutes_of(method: str) -> int:
    """Return about how many minutes a method takes with its own loads."""
    return minutes(Setup(method=method, loads_kg=DEFAULT_LOADS_KG[method]))


def loads_help(setup: Setup) -> str:
    """Return what the loads come to: how many, and the forces along an upright tip."""
    anywhere = replace(setup, latitude_deg=None)
    low_n, high_n = (anywhere.force_n(load, 90.0) for load in (min(setup.loads_kg), max(setup.loads_kg)))
    return f"{len(setup.loads_kg)} loads, {low_n:.3g} N to {high_n:.3g} N. 0.5 kg is understood too."
