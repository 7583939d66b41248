from __future__ import annotations

import json
from dataclasses import replace

import pytest

from iastm_host.workbench.doctor.finding import NOT_CONNECTED, Bears, Finding, Looked, Report, as_object, as_text


def report(*failing: Bears, display: bool = False, port: bool = False, tool: bool = False) -> Report:
    """Return a report in which a check for each of all bearings was made, and these failed."""
    looked = tuple(
        Looked(Finding(each, each not in failing, "seen", "mend" if each in failing else ""), each) for each in Bears
    )
    return Report(looked, display, port, tool)


@pytest.mark.parametrize(
    ("failing", "named", "works"),
    [
        ((), {}, True),
        ((Bears.NOTHING,), {}, True),
        ((Bears.ALWAYS,), {}, False),
        ((Bears.WINDOW,), {}, True),
        ((Bears.WINDOW,), {"display": True}, False),
        ((Bears.CABLE,), {}, True),
        ((Bears.AIR,), {}, True),
        ((Bears.CABLE, Bears.AIR), {}, False),
        ((Bears.CABLE,), {"port": True}, False),
        ((Bears.CABLE,), {"tool": True}, True),
        ((Bears.AIR,), {"port": True}, True),
        ((Bears.AIR,), {"tool": True}, False),
    ],
)
def test_the_main_job_works_where_nothing_is_missing_that_it_needs_here(
    failing: tuple[Bears, ...], named: dict[str, bool], works: bool
) -> None:
    found = report(*failing, **named)
    assert found.works() is works
    assert ("works here" in found.verdict()) is works
    assert any(found.is_needed(looked) for looked in found.looked) is not works


def test_the_verdict_tells_how_the_main_job_works() -> None:
    assert (
        report().verdict()
        == "The main job, a live view of a tool that warns, works here, as text, by cable and over Bluetooth."
    )
    assert (
        report(Bears.AIR, display=True).verdict()
        == "The main job, a live view of a tool that warns, works here, in a window, by cable only."
    )
    assert (
        report(Bears.CABLE).verdict()
        == "The main job, a live view of a tool that warns, works here, as text, over Bluetooth only."
    )
    assert report(port=True).verdict() == "The main job, a live view of a tool that warns, works here, as text."
    assert "of cable and Bluetooth one is enough" in report(Bears.CABLE, Bears.AIR).verdict()
    assert "one is enough" not in report(Bears.ALWAYS).verdict()


def test_a_person_reads_the_verdict_first_and_last_and_each_fix_under_its_finding() -> None:
    lines = as_text(report(Bears.NOTHING, Bears.ALWAYS), everything=True).splitlines()
    verdict = "The main job, a live view of a tool that warns, would not work here: mend what is marked needed."
    assert lines[:6] == [verdict, "", "needed  always: seen", "        mend", "advice  nothing: seen", "        mend"]
    assert lines[6:-2] == [f"ok      {each}: seen" for each in (Bears.WINDOW, Bears.CABLE, Bears.AIR)]
    assert lines[-2:] == ["", verdict]


def test_what_is_well_is_one_line_unless_all_is_wanted() -> None:
    lines = as_text(report(Bears.NOTHING)).splitlines()
    assert lines[2:-2] == [
        "advice  nothing: seen",
        "        mend",
        "ok      always, window, cable, air (--all tells what was found)",
    ]


def test_that_no_tool_was_looked_at_stands_by_the_verdict() -> None:
    alone = replace(report(), connected=False)
    lines = as_text(alone).splitlines()
    assert lines[1] == lines[-1] == NOT_CONNECTED
    for other in (replace(alone, connected=True), replace(alone, port=True), replace(alone, connected=None)):
        assert NOT_CONNECTED not in as_text(other)


def test_programs_read_exactly_four_things_of_each_finding() -> None:
    told = json.loads(json.dumps(as_object(report(Bears.ALWAYS))))
    assert list(told) == ["findings"]
    assert all(list(each) == ["name", "ok", "detail", "fix"] for each in told["findings"])
    assert told["findings"][0] == {"name": "always", "ok": False, "detail": "seen", "fix": "mend"}
