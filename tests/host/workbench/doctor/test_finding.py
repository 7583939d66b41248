from __future__ import annotations

import json

import pytest

from iastm_host.workbench.doctor.finding import Bears, Finding, Looked, Report, as_object, as_text


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
    assert report().verdict() == "The main job works here, as text, by cable and over Bluetooth."
    assert report(Bears.AIR, display=True).verdict() == "The main job works here, in a window, by cable only."
    assert report(Bears.CABLE).verdict() == "The main job works here, as text, over Bluetooth only."
    assert report(port=True).verdict() == "The main job works here, as text."
    assert "of cable and Bluetooth one is enough" in report(Bears.CABLE, Bears.AIR).verdict()
    assert "one is enough" not in report(Bears.ALWAYS).verdict()


def test_a_person_reads_what_is_needed_first_and_each_fix_under_its_finding() -> None:
    lines = as_text(report(Bears.NOTHING, Bears.ALWAYS)).splitlines()
    assert lines[:4] == ["needed  always: seen", "        mend", "advice  nothing: seen", "        mend"]
    assert all(line.startswith("ok      ") for line in lines[4:-2])
    assert lines[-2:] == ["", "The main job would not work here: mend what is marked needed."]


def test_programs_read_exactly_four_things_of_each_finding() -> None:
    told = json.loads(json.dumps(as_object(report(Bears.ALWAYS))))
    assert list(told) == ["findings"]
    assert all(list(each) == ["name", "ok", "detail", "fix"] for each in told["findings"])
    assert told["findings"][0] == {"name": "always", "ok": False, "detail": "seen", "fix": "mend"}
