"""Chooses the image for a board, and refuses one with which no tool would run, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.workbench.boards import BoardKind
from iastm_host.workbench.deploy import OLDEST_MICROPYTHON
from iastm_host.workbench.download import cached_image, image_url, page_url
from iastm_host.workbench.esp import check_image
from iastm_host.workbench.esp_words import wrong_chip
from iastm_host.workbench.flash_target import Target
from iastm_host.workbench.images import Image, read_image

FREEZING = 'docs/boards.md, "Freezing"'
_VERSION = re.compile(r"v(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where an image may come from. `image` is the one that was named, `bundled` those of a bundle, None without one.

    `cache` is the folder of those that were downloaded. `ask` puts a question to a person, None where nobody is there;
    `fetch` downloads a URL into a folder.
    """

    image: Path | None
    bundled: Sequence[Image] | None
    cache: Path
    ask: Callable[[str], bool] | None
    fetch: Callable[[str, Path], Path]


def choose_image(target: Target, sources: Sources, *, anyway: bool = False) -> Image:
    """Return the image to write to `target`; raises Problem. `anyway`: even one with which no tool would run."""
    if sources.image is not None:
        image = read_image(sources.image)
    elif sources.bundled is not None:
        image = _from_bundle(target, sources.bundled)
    else:
        image = _micropythons_own(target, sources, anyway=anyway)
    check_chip(target, image)
    unfit = why_no_tool(target, image)
    if unfit is not None and not anyway:
        raise unfit
    return image


def _from_bundle(target: Target, images: Sequence[Image]) -> Image:
    fitting = [image for image in images if image.chip == target.chip]
    frozen = [image for image in fitting if image.frozen]
    plain = [image for image in fitting if any(_is_of(image, kind) for kind in target.kinds)]
    for found in (frozen, plain):
        if len(found) == 1:
            return found[0]
    names = ", ".join(image.path.name for image in fitting)
    if not fitting:
        raise Problem(f"The bundle has no image for an {target.chip}.", "Give one with --image, or leave --bundle out.")
    raise Problem(
        f"The bundle has several images for an {target.chip}, or none for this very board: {names}.",
        f"Unpack the one that is meant and give it with --image, or say which board it is: {_choices(target)}.",
    )


def _is_of(image: Image, kind: BoardKind) -> bool:
    """Whether an image has MicroPython's name for this board: its own, a dash and the date."""
    rest = image.path.name.removeprefix(kind.image_name)
    return rest != image.path.name and re.match(r"-\d{8}", rest) is not None


def _micropythons_own(target: Target, sources: Sources, *, anyway: bool) -> Image:
    if len(target.kinds) != 1:
        raise Problem(
            f"Which board this is can't be told by its chip, an {target.chip}.", f"Say which: {_choices(target)}."
        )
    if target.needs_frozen and not anyway:
        raise _does_not_fit(target, "MicroPython's own image has none of it")
    (kind,) = target.kinds
    url = image_url(kind)
    path = cached_image(url, sources.cache)
    if path is None:
        by_hand = f"Fetch it by hand and give it with --image; the page of this board: {page_url(kind)}"
        if sources.ask is None:
            raise Problem(
                f"The image for this board is not on this computer, and nobody is here to be asked: {url}",
                f"Allow the download with --yes. {by_hand}",
            )
        if not sources.ask(f"Download {url}?"):
            raise Problem("Nothing was downloaded, and nothing was written.", by_hand)
        path = sources.fetch(url, sources.cache)
    return read_image(path)


def _choices(target: Target) -> str:
    return " or ".join(f"--board {kind.name} ({kind.title})" for kind in target.kinds)


def check_chip(target: Target, image: Image) -> None:
    """Raise Problem where an image is for another chip, or for more flash: it would not even start."""
    if image.chip != target.chip:
        raise wrong_chip(f"{image.path.name} is for an {image.chip}", target.chip)
    if target.esp is not None:
        check_image(image, target.esp)


def why_no_tool(target: Target, image: Image) -> Problem | None:
    """Return why no tool would run on `target` with `image`, None where one would."""
    name = image.path.name
    if not image.micropython and not image.frozen:
        return Problem(
            f"{name} holds no MicroPython: no tool would run on the board. Nothing was written.",
            "Give an image of MicroPython. --anyway writes it all the same.",
        )
    version = _VERSION.match(image.micropython)
    if version and (int(version[1]), int(version[2])) < OLDEST_MICROPYTHON:
        oldest = ".".join(str(number) for number in OLDEST_MICROPYTHON)
        return Problem(
            f"{name} is MicroPython {image.micropython}: the firmware needs {oldest} or later. Nothing was written.",
            "Give a newer image, or leave --image out. --anyway writes it all the same.",
        )
    if image.frozen or target.needs_frozen is False:
        return None
    if target.needs_frozen is None:
        return Problem(
            f"Which board this is can't be told by its chip, an {target.chip}, and not each has the memory for {name}.",
            f"Say which: {_choices(target)}.",
        )
    return _does_not_fit(target, f"{name} has none of it")


def _does_not_fit(target: Target, why: str) -> Problem:
    return Problem(
        f"{target.words}: its memory takes the firmware only frozen into the image, and {why}. Nothing was written.",
        f"Build an image with the firmware frozen ({FREEZING}) and give it with --image, or take a board with more "
        "memory: a Pico 2 W, an ESP32-S3 with PSRAM. --anyway writes MicroPython without the tool.",
    )
