"""What a benchmark found: a value, its baseline, the promise, and whether it is kept; as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number. `ratio` is how many times better than the baseline; None where that says nothing.

    `kept` is None where the promise could not be tried, and `note` then says why.
    """

    name: str
    value: float | None
    unit: str
    baseline_name: str
    baseline: float | None
    ratio: float | None
    promise: str
    kept: bool | None
    note: str = ""


def as_documents(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return the results as plain objects for JSON."""
    return [asdict(result) for result in results]


def broken(results: Sequence[Result]) -> list[Result]:
    """Return the results whose promise is not kept; one that could not be tried is not broken."""
    return [result for result in results if result.kept is False]


def show(results: Sequence[Result], machine: str, console: Console) -> None:
    """Print one table, and below it what each number needs to be read rightly."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=machine, title_justify="left", title_style="")
    table.add_column("")
    for heading in ("Measured", "Baseline", "Times better"):
        table.add_column(heading, justify="right")
    table.add_column("Promise")
    table.add_column("")
    notes = list(dict.fromkeys(result.note for result in results if result.note))
    for result in results:
        mark = f" [{notes.index(result.note) + 1}]" if result.note else ""
        baseline = f"{_number(result.baseline)} {result.unit}\n{result.baseline_name}"
        table.add_row(
            result.name + mark.replace("[", r"\["),
            "–" if result.value is None else f"{_number(result.value)} {result.unit}",
            baseline if result.baseline is not None else "",
            _times(result.ratio),
            result.promise,
            {True: "[green]kept[/]", False: "[bold red]BROKEN[/]", None: "not tried"}[result.kept],
        )
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(f"[{number}] {note}", markup=False, highlight=False)


def _times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.3g}" if ratio >= 1 else f"1/{1 / ratio:.3g}"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value and abs(value) < 10:
        return f"{value:.2g}" if abs(value) < 1 else f"{value:.1f}"
    return f"{value:,.0f}"
