"""A recording gone through without waiting: the same way as live, from chunks to strokes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

from iastm_host.analysis.profiles import Contact, Profile, Tip
from iastm_host.app.pipeline import Pipeline, limits_for
from iastm_host.events import Cut, Event, Paused, Problem
from iastm_host.records.entries import GOES_ON, PAUSED, Recording
from iastm_host.tool.dialects import Host, new_dialect
from iastm_host.tool.unnumbered import Numbering

_Made = TypeVar("_Made", Profile, Tip, Contact, Numbering)


def recorded_profile(recording: Recording) -> Profile:
    """Return the profile under which a recording was made."""
    return _made(Profile, recording, "profile")


def recorded_contact(recording: Recording) -> Contact:
    """Return the contact levels under which a recording was made."""
    return _made(Contact, recording, "contact")


def recorded_tip(recording: Recording) -> Tip | None:
    """Return the tip in use, None where none was stated."""
    return None if recording.start.settings.get("tip") is None else _made(Tip, recording, "tip")


def recorded_numbering(recording: Recording) -> Numbering | None:
    """Return what the samples go on from, None where their gauge numbers them or the recording began with the run."""
    return _from(Numbering, recording, "numbering", recording.numbering) if recording.numbering else None


def recorded_events(recording: Recording, contact: Contact | None = None) -> Iterator[Event]:
    """Yield all events of a recording, as they were live; `contact` replaces its contact levels."""
    profile = recorded_profile(recording)
    asked = recorded_contact(recording)
    # The client asks for what it asked then: its limits belong to the recording, whatever levels are analysed with.
    host = Host(recording.start.software, limits_for(profile, asked), numbering=recorded_numbering(recording))
    client = new_dialect(recording.dialect, host)
    pipeline = Pipeline(client, profile, recorded_tip(recording), contact or asked)
    pauses = pauses_of(recording)
    yield from client.opening()
    yield from client.opened(recording.start.mtu)
    for item in recording.chunks():
        while pauses and pauses[0][0] < item.host_us:
            yield from pipeline.pause(pauses.pop(0)[1])
        if isinstance(item, Cut):
            yield from client.broken(item.reason)
            yield from client.opening()
            yield from client.opened(recording.start.mtu)
            continue
        yield from pipeline.receive(item)
        client.to_send()
        client.to_send_privileged()
    yield from pipeline.give_up()
    yield from client.finished()


def pauses_of(recording: Recording) -> list[tuple[int, Paused]]:
    """Return the host times at which a person paused or went on, in order; each holds before the chunk after it."""
    return [
        (step.host_us, Paused(step.boot_id, step.index, step.kind == PAUSED))
        for step in recording.steps()
        if step.kind in (PAUSED, GOES_ON)
    ]


def _made(kind: type[_Made], recording: Recording, name: str) -> _Made:
    return _from(kind, recording, name, recording.start.settings.get(name))


def _from(kind: type[_Made], recording: Recording, name: str, stated: object) -> _Made:
    try:
        if not isinstance(stated, Mapping):
            raise TypeError(name)
        return kind(**cast("dict[str, Any]", {field.name: stated[field.name] for field in fields(kind)}))
    except (KeyError, TypeError) as error:
        raise Problem(
            f"{recording.path} does not say its {name}.",
            "It was written by a damaged or foreign program; choose another.",
        ) from error
