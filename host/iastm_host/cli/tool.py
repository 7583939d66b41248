"""`iastm tool`: what a tool says of itself, its self-test, its log, and by what it alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from iastm_host.app.acquisition import Acquisition
from iastm_host.app.connected import Listener, connected
from iastm_host.app.live_state import NOT_STARTED
from iastm_host.app.live_view.texts import clock_text, limit_text, sentence, worst_first
from iastm_host.app.own_alarm import NO_LIMITS
from iastm_host.app.tool_facts import (
    ToolFacts,
    as_object,
    change_dose,
    channels_object,
    choose_channels,
    features_of,
    read_log,
    self_test,
    why_no_true_force,
    why_silent,
)
from iastm_host.cli import wiring
from iastm_host.cli.links import LinkChoice, Port, Radio, Simulated, Tool
from iastm_host.cli.wiring import Simulation
from iastm_host.events import (
    Channels,
    Health,
    LimitsReport,
    Motion,
    Problem,
    SelfTestRow,
    StatusReport,
    ToolDescription,
    ZeroReport,
)
from iastm_host.records.new_file import write_new
from iastm_host.tool.words import FAILED

tool = typer.Typer(help="What a tool says of itself, and what it can be asked.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
LEAST_DOSE_LIMIT_NS, MOST_DOSE_LIMIT_NS = 0.001, 1e6
"""From the first on, and below the second, a tool takes a dose limit; it holds whole mN·s."""
FAILED_TEST = 1
"""Exit code of a self-test in which something failed."""
WOULD_NOT_WARN = 1
"""Exit code where a tool that is shown would not warn by itself, or measures no true force."""
HELP_WITH_TROUBLE = "docs/hardware/build-one.md, When hello says trouble"


@contextmanager
def _at(
    choice: LinkChoice, simulation: Simulation | None = None
) -> Iterator[tuple[Acquisition, ToolDescription, ToolFacts]]:
    """Give a run with the tool, and what it tells; it changes nothing on it. Raises Problem.

    `simulation` is what --simulated stands for.
    """
    choice.check()
    facts = ToolFacts()

    def run_with(listeners: Sequence[Listener]) -> Acquisition:
        link, carrier, address = choice.open(simulation), choice.carrier, choice.address
        return wiring.calibration_run(link, carrier, (*listeners, facts), sets_limits=False, address=address)

    with connected(run_with) as (run, found):
        yield run, found, facts


def show(
    port: Port = None, tool: Tool = None, radio: Radio = None, simulated: Simulated = False, as_json: Json = False
) -> None:
    """Show who a tool is, what troubles it, why it started, what it counted, and how it is now.

    Exits with 1 where it would not warn by itself (zero not confirmed, nothing to alert by) or measures no true force,
    else with 0. That no limits are set yet is said, and is no reason: a run sets them.
    """
    with _at(LinkChoice(port, tool, radio, simulated)) as (_run, found, facts):
        facts.wait(StatusReport)
        # Comes right after the status; a tool of an older minor sends none.
        facts.wait(Health, 1.0)
    if as_json:
        typer.echo(json.dumps(as_object(found, facts), ensure_ascii=False))
    else:
        table = Table.grid(padding=(0, 2))
        for name, said in _lines(found, facts):
            table.add_row(name, said)
        Console(highlight=False, markup=False).print(table)
    if set(why_silent(found, facts)) - {NO_LIMITS} or why_no_true_force(facts):
        raise typer.Exit(WOULD_NOT_WARN)


def _lines(found: ToolDescription, facts: ToolFacts) -> Iterator[tuple[str, str]]:
    status, health, channels = facts.newest(StatusReport), facts.newest(Health), facts.newest(Channels)
    yield "tool", f"{found.board} {found.serial_number}".rstrip() + (" (simulated)" if found.simulated else "")
    yield "firmware", f"{found.firmware_version} under {found.runtime}, protocol {found.protocol}"
    if found.trouble:
        yield "trouble", f"{sentence(found.trouble)}: see {HELP_WITH_TROUBLE}"
    for words in worst_first(status.faults) if status is not None else ():
        # Which part that is stands above.
        if words != NOT_STARTED or not found.trouble:
            yield "fault", sentence(words)
    if status is not None and not status.faults and not found.trouble:
        yield "fault", "none"
    yield from _own_alarm(found, facts)
    if found.reset_reason:
        yield "started", f"as {found.reset_reason}"
    yield "counted", f"power gone amid a stream: {_times(found.power_losses)}; failed: {_times(found.restarts)}"
    if found.overload_n:
        yield "overload", f"up to {found.overload_n:.1f} N: do the daily check, or calibrate"
    if not found.keeps_log:
        yield "log", "it keeps none"
    else:
        yield "log", f"{found.log_bytes} bytes: iastm tool log" if found.log_bytes else "empty"
    yield "calibration", found.calibration_id or "none"
    yield from _condition(found, status, health)
    if found.senses_motion:
        yield "angle", _angle_words(facts.newest(Motion))
    if channels is not None:
        yield "alerts by", _channels_words(channels)
    yield "can", ", ".join(name for name, can in features_of(found, warns=not why_silent(found, facts)).items() if can)


def _own_alarm(found: ToolDescription, facts: ToolFacts) -> Iterator[tuple[str, str]]:
    zero, limits = facts.newest(ZeroReport), facts.newest(LimitsReport)
    silent = why_silent(found, facts)
    yield "warns", f"no: {'; '.join(silent)}" if silent else "by itself, at the limits below"
    if found.tares:
        yield "zero", "kept by the gauge"
    elif zero is None:
        yield "zero", "unknown"
    else:
        yield "zero", "confirmed" if zero.confirmed else "not confirmed: nothing alerts until it is set"
    if found.warns:
        yield "limits", _limits_words(limits)


def _limits_words(limits: LimitsReport | None) -> str:
    if limits is None:
        return "unknown"
    if not (limits.warn_n > 0 or limits.alarm_n > 0):
        return "none: nothing alerts until a run sets them"
    said = f"warn {limit_text(limits.warn_n)}, alarm {limit_text(limits.alarm_n)} N"
    return f"{said} ({limits.profile})" if limits.profile else said


def _condition(found: ToolDescription, status: StatusReport | None, health: Health | None) -> Iterator[tuple[str, str]]:
    nominal = f"stated {found.rate_hz:g} samples/s"
    if health is None or health.rate_hz is None:
        yield "rate", f"{nominal}, measured unknown"
    else:
        yield "rate", f"{health.rate_hz:.1f} samples/s measured, {nominal}, jitter {health.jitter_us} µs"
    if status is not None:
        battery = "unknown" if status.battery_percent is None else f"{status.battery_percent} %"
        volts = "" if health is None or health.battery_v is None else f", {health.battery_v:.2f} V"
        yield "battery", battery + volts
        yield "running for", f"{clock_text(status.uptime_s)}, {status.heap_free_bytes:,} bytes free"
        lost = f"{status.missed_conversions:,} conversions missed"
        if health is not None:
            lost += f", {health.glitches:,} glitches suspected, {health.voided:,} readings thrown away"
        yield "lost", lost
    if health is not None and found.sums_dose:
        yield "dose", _dose_words(health)
    if health is not None and health.idle_s is not None:
        yield "sleeps", f"after {clock_text(health.idle_s)} without use"


def _dose_words(health: Health) -> str:
    limit = f", alerts at {health.dose_limit_ns:g} N·s" if health.dose_limit_ns else ", no limit"
    return f"{health.dose_ns:.1f} N·s over warn{limit}"


def _angle_words(motion: Motion | None) -> str:
    if motion is None:
        return "unknown"
    held = f"{motion.tilt_deg:.0f}° over the horizontal, tip {'up' if motion.tilt_deg < 0 else 'down'}"
    return held.replace("-", "") + (", put down" if motion.lying else "") + (", wiped" if motion.wiping else "")


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count:,} times")


def _channels_words(channels: Channels) -> str:
    by = [name for name in channels.there if name in channels.chosen]
    words = ", ".join(by) or "nothing"
    left = [name for name in channels.there if name not in channels.chosen]
    words += f" (not by {', '.join(left)})" if left else ""
    return words + (f", silenced for {channels.silenced_s} s" if channels.silenced_s else "")


def run_self_test(
    port: Port = None, tool: Tool = None, radio: Radio = None, simulated: Simulated = False, as_json: Json = False
) -> None:
    """Let a tool test itself while nobody touches it; exits with 1 where something failed."""
    choice = LinkChoice(port, tool, radio, simulated)
    # One that plays strokes would be in contact, where no tool tests itself.
    with _at(choice, wiring.make_simulation("quiet", 1, None) if simulated else None) as (run, found, facts):
        typer.echo("Leave the tool untouched for some seconds.", err=True)
        rows = self_test(run.request, found, facts)
    if as_json:
        typer.echo(json.dumps({"serial_number": found.serial_number, "tests": [_row_object(row) for row in rows]}))
    else:
        table = Table("test", "measured", "passes", "verdict", box=None, pad_edge=False)
        for row in rows:
            table.add_row(row.test, _measured(row.value, row.unit), _passes(row), row.verdict)
        Console(highlight=False).print(table)
    if any(row.verdict == FAILED for row in rows):
        raise typer.Exit(FAILED_TEST)


def is_played(port: str) -> bool:
    """Whether the tool at `port` says that what it streams is played; raises Problem."""
    with _at(LinkChoice(port, None, None, False)) as (_run, found, _facts):
        return found.simulated


def _row_object(row: SelfTestRow) -> dict[str, object]:
    return {
        "test": row.test,
        "verdict": row.verdict,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "unit": row.unit or None,
    }


def _measured(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:,g} {unit}".rstrip()


def _passes(row: SelfTestRow) -> str:
    low, high = (None if bound is None else f"{bound:,g}" for bound in (row.low, row.high))
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"up to {high}" if low is None else f"from {low}"
    return f"{low} to {high}"


def log(
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    simulated: Simulated = False,
    out: Annotated[Path | None, typer.Option(help="A new file to write it to, instead of printing it.")] = None,
) -> None:
    """Read a tool's log of its own failures; what is new of it is kept on this computer too."""
    with _at(LinkChoice(port, tool, radio, simulated)) as (run, found, _facts):
        text = read_log(run.request, found)
    new = wiring.tool_logs().keep_log(found.serial_number, text)
    if out is not None:
        write_new(out, text.encode())
        typer.echo(f"Written: {out}", err=True)
    else:
        typer.echo(text, nl=False)
    if not text:
        typer.echo("The log is empty: this firmware did not fail yet, or it was cleared.", err=True)
    elif new:
        typer.echo(f"New since it was read here last: {new}", err=True)


_CHOOSE = "Alert by it, or not; without it the choice stays."


def channels(
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    simulated: Simulated = False,
    light: Annotated[bool | None, typer.Option("--light/--no-light", help=_CHOOSE)] = None,
    buzzer: Annotated[bool | None, typer.Option("--buzzer/--no-buzzer", help=_CHOOSE)] = None,
    vibration: Annotated[bool | None, typer.Option("--vibration/--no-vibration", help=_CHOOSE)] = None,
    as_json: Json = False,
) -> None:
    """Choose by what a tool alerts, lastingly; without a choice, show it."""
    asked = {"light": light, "buzzer": buzzer, "vibration": vibration}
    changes = {name: on for name, on in asked.items() if on is not None}
    with _at(LinkChoice(port, tool, radio, simulated)) as (run, found, facts):
        now = choose_channels(run.request, found, facts, changes)
    if as_json:
        typer.echo(json.dumps({"serial_number": found.serial_number, **channels_object(now)}))
        return
    typer.echo(f"{found.serial_number} alerts by {_channels_words(now)}.")
    if not set(now.there) & set(now.chosen):
        typer.echo("Nothing on the tool alerts now, and its link may be lost: choose one at least.", err=True)


def dose(
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    simulated: Simulated = False,
    limit: Annotated[
        float | None,
        typer.Option(metavar="NS", help="Let the tool alert at so many newton seconds; no source has a number."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="No limit, as after each start of the tool.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Let the dose be 0 again.")] = False,
    as_json: Json = False,
) -> None:
    """Show a tool's dose, set where it alerts of it, or begin anew; a dose is force above warn × time."""
    if limit is not None and off:
        raise Problem("A limit and none can't be set both.", "Give --limit NS or --off.")
    if limit is not None and not LEAST_DOSE_LIMIT_NS <= limit < MOST_DOSE_LIMIT_NS:
        raise Problem(
            f"A dose limit of {limit:g} N·s can't be set.",
            f"Give {LEAST_DOSE_LIMIT_NS:g} to {MOST_DOSE_LIMIT_NS - 1:,.0f} N·s, or --off.",
        )
    with _at(LinkChoice(port, tool, radio, simulated)) as (run, found, facts):
        now = change_dose(run.request, found, facts, 0.0 if off else limit, reset=reset)
    if as_json:
        said = {"dose_ns": now.dose_ns, "dose_limit_ns": now.dose_limit_ns}
        typer.echo(json.dumps({"serial_number": found.serial_number, **said}))
        return
    typer.echo(f"{found.serial_number}: {_dose_words(now)}.")
    if now.dose_limit_ns:
        typer.echo("The limit holds until the tool starts again.", err=True)


tool.command("show")(show)
tool.command("self-test")(run_self_test)
tool.command("log")(log)
tool.command("channels")(channels)
tool.command("dose")(dose)
