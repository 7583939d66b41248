"""A point that comes, against those that are there."""

from __future__ import annotations

from dataclasses import dataclass

from iastm_calibration.document import CalibrationDocument, TakenPoint
from iastm_calibration.suspects import suspect
from iastm_host.app.calibrating import arrival, scale
from iastm_host.app.calibrating.arrival import Came, Finding
from iastm_host.app.calibrating.book import Book, Entry
from iastm_host.app.calibrating.plan import LOAD
from iastm_host.app.calibrating.scale import Scale
from iastm_host.app.calibrating.words import label
from iastm_host.reports.points import seen_points

# A line through zero meets one load in any case, and shows little of two.
_TELLING_LOADS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """A load as the tool reads it, in newtons; `telling`: enough loads are there for a difference to say something."""

    entry: Entry
    read_n: float
    telling: bool

    @property
    def residual_n(self) -> float | None:
        """Read minus applied, None where that says nothing yet."""
        return self.read_n - self.entry.point.reference_n if self.telling else None


def scale_of(book: Book, of_tool: Scale | None, without_page: int | None = None) -> Scale | None:
    """Return the scale of an upright tip's points so far, the tool's own before there are any, None without either.

    `without_page`: leave the point of that page out.
    """
    upright = [
        (book.net_counts(entry), entry.point.reference_n)
        for entry in book.counting()
        if entry.point.step >= 0 and entry.page != without_page and entry.point.angle_deg == book.setup.angles_deg[0]
    ]
    return scale.of_points(upright) or of_tool


def readings(book: Book, of_tool: Scale | None) -> list[Reading]:
    """Return all loads that count as they read: by the calibration in force, and by the points once two are there.

    From three different loads on they tell differences.
    """
    used = scale_of(book, of_tool)
    if used is not None and used.load_count == 1:
        used = of_tool
    if used is None:
        return []
    loads = [entry for entry in book.counting() if entry.point.step >= 0]
    upright = {entry.point.step for entry in loads if entry.point.angle_deg == book.setup.angles_deg[0]}
    telling = len(upright) >= _TELLING_LOADS
    return [Reading(entry, used.force_n(book.net_counts(entry)), telling) for entry in loads]


def readings_of(book: Book, document: CalibrationDocument) -> list[Reading]:
    """Return all loads that count as they read by the document that was made of them."""
    found = []
    for entry, seen in zip(book.counting(), seen_points(document), strict=False):
        if seen.residual_mn is not None and seen.taken == entry.point:
            found.append(Reading(entry, entry.point.reference_n + seen.residual_mn / 1000, telling=True))
    return found


def came(book: Book, page: int, point: TakenPoint, used: Scale, capacity_n: float | None) -> Came:
    """Return a load as it came, with what was there before."""
    this = book.pages[page]
    zero = book.zero_counts(this.series, point.taken_at)
    zero = point.counts if zero is None else zero
    before = next((entry for entry in reversed(book.entries) if entry.state == "in force"), None)
    before_n = expected_before_n = None
    before_label = ""
    if before is not None and book.pages[before.page].series == this.series:
        before_n = used.force_n(before.point.counts - zero)
        expected_before_n = before.point.reference_n
        before_label = label(book.pages[before.page], book.setup) or "the zero"
    others = [
        (label(other, book.setup), book.setup.force_n(other.load_kg, this.angle_deg))
        for other in book.pages
        if other.kind == LOAD and other.series == this.series and other.rising and other.step != this.step
    ]
    return Came(
        label=label(this, book.setup),
        expected_n=point.reference_n,
        upright_n=book.setup.force_n(this.load_kg, book.setup.angles_deg[0]),
        measured_n=used.force_n(point.counts - zero),
        before_n=before_n,
        expected_before_n=expected_before_n,
        before_label=before_label,
        others=[] if book.setup.against_gauge else others,
        capacity_n=capacity_n,
        scale=used,
        against_gauge=book.setup.against_gauge,
        load_kg=this.load_kg,
    )


def judge(
    book: Book, page: int, point: TakenPoint, of_tool: Scale | None, capacity_n: float | None, tool_zero: float | None
) -> Finding | None:
    """Return what speaks against a point, None where nothing does. `tool_zero`: the zero in force on the tool."""
    used = scale_of(book, of_tool, without_page=page)
    if used is None:
        return None
    this = book.pages[page]
    if this.kind == LOAD:
        return arrival.of_load(came(book, page, point, used, capacity_n)) or _second_look(
            book, page, point, of_tool, capacity_n
        )
    lightest_n = book.setup.force_n(min(book.setup.loads_kg), this.angle_deg)
    last = book.last_zero()
    same_angle = last is not None and last[0][1] == this.angle_deg
    hangs_from_n = arrival.hangs_from_n(lightest_n, same_angle=same_angle)
    if not this.rising:
        first = book.in_force(book.zero_page(this.series))
        if first is not None:
            moved_n = used.force_n(point.counts - first.point.counts)
            return arrival.of_zero(moved_n, same_series=True, hangs_from_n=hangs_from_n)
    base = tool_zero if last is None else last[1]
    if base is None:
        return None
    return arrival.of_zero(used.force_n(point.counts - base), same_series=False, hangs_from_n=hangs_from_n)


def _second_look(
    book: Book, page: int, point: TakenPoint, of_tool: Scale | None, capacity_n: float | None
) -> Finding | None:
    """Return what the checks that a whole calibration has to pass say of a load, coarser and wider than those here."""
    before = [entry.point for entry in book.counting() if entry.page != page]
    slope = None if of_tool is None else of_tool.coefficients[1]
    found = suspect(before, point, capacity_n, slope)
    return None if found is None else Finding(found.kind, f"{found.what} {found.fix} Repeat or keep with a note?")
