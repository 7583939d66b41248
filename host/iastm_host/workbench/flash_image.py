"""Chooses the image for a board, and refuses one with which no tool would run, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.workbench.boards import BoardKind
from iastm_host.workbench.deploy import OLDEST_MICROPYTHON
from iastm_host.workbench.download import VERSION, cached_image, image_url, page_url
from iastm_host.workbench.esp import check_image
from iastm_host.workbench.esp_words import wrong_chip
from iastm_host.workbench.flash_target import Target, kinds_of_machine
from iastm_host.workbench.images import Image, read_image

FREEZING = 'docs/boards.md, "Freezing"'
_VERSION = re.compile(r"v(\d+)\.(\d+)")
_NEWEST_MICROPYTHON = tuple(int(number) for number in VERSION.split(".")[:2])
_AND_THEN = "; a board file of your own follows then by iastm deploy --board FILE"
_READ_FIRST = "Where it has a calibration, read that first: iastm calibrate read."


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
    fitting = [image for image in images if image.chip == target.chip and _is_for(target, image)]
    frozen = _largest_that_fit(target, [image for image in fitting if image.frozen])
    plain = [image for image in fitting if any(_is_of(image, kind) for kind in target.kinds)]
    for found in (frozen, plain):
        if len(found) == 1:
            return found[0]
    names = ", ".join(image.path.name for image in fitting)
    if not fitting:
        board = f"an {target.chip}" if not any(image.chip == target.chip for image in images) else target.words
        raise Problem(f"The bundle has no image for {board}.", "Give one with --image, or leave --bundle out.")
    raise Problem(
        f"The bundle has several images for an {target.chip}, or none for this very board: {names}.",
        f"Unpack the one that is meant and give it with --image, or say which board it is: {_choices(target)}.",
    )


def _is_for(target: Target, image: Image) -> bool:
    """Whether an image may be for this board by the name of a board in it; one without a name may."""
    return not image.machine or any(kind in target.kinds for kind in kinds_of_machine(image.machine))


def _largest_that_fit(target: Target, images: list[Image]) -> list[Image]:
    """Return of images for one chip those that use most of the flash that it has, where it told that."""
    if target.esp is None or target.esp.flash_bytes is None:
        return images
    fit = [image for image in images if image.flash_bytes <= (target.esp.flash_bytes or 0)]
    return [image for image in fit if image.flash_bytes == max(each.flash_bytes for each in fit)]


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
    return " or ".join(f"--board {kind.name} ({kind.title})" for kind in target.kinds) + _AND_THEN


def told_by(target: Target, image: Image) -> Target:
    """Return `target` with the kinds alone that the name of a board in its image leaves, where it leaves any."""
    named = kinds_of_machine(image.machine) if image.machine else ()
    return replace(target, kinds=tuple(kind for kind in target.kinds if kind in named) or target.kinds)


def check_chip(target: Target, image: Image) -> None:
    """Raise Problem where an image is for another chip, or for more flash: it would not even start."""
    if image.chip != target.chip:
        raise wrong_chip(f"{image.path.name} is for an {image.chip}", target.chip)
    if target.esp is not None:
        check_image(image, target.esp)


def what_is_lost(target: Target, image: Image) -> str:
    """Return in words what of the board's files is lost by `image`, as what runs on the board told of itself.

    "" where they stay, or where nothing was told: each image has its file system at a place of its own.
    """
    moved = target.file_system is not None and image.file_system is not None
    if moved and target.file_system == image.file_system:
        return ""
    other = bool(target.machine and image.machine) and target.machine != image.machine
    if not moved and not other:
        return ""
    why = (
        f"with this image, for {image.machine}, they may lie elsewhere in the flash than with that of {target.machine}"
    )
    if moved:
        why = "with this image they lie elsewhere in the flash"
    return f"The files on the board are lost then, calibration, key and log among them: {why}. {_READ_FIRST}"


def check_files(target: Target, image: Image, *, erase: bool) -> None:
    """Raise Problem where an ESP32's file system would lie elsewhere, amid what is left of the old one.

    MicroPython does not format what it finds there, and comes to no prompt.
    """
    if erase or target.file_system is None or image.file_system is None or target.file_system == image.file_system:
        return
    raise Problem(
        f"{what_is_lost(target, image)} Over what is left there the board may come to no prompt. Nothing was written.",
        "Then flash with --erase; or give an image with the layout of the one that is on it.",
    )


def why_no_tool(target: Target, image: Image) -> Problem | None:
    """Return why no tool would run on `target` with `image`, None where one would."""
    name = image.path.name
    if not _is_for(target, image):
        return Problem(
            f"{name} is for another board, {image.machine}, and this one is: {target.words}. Nothing was written.",
            "Give an image for this board. --anyway writes it all the same: then its files may be lost, calibration, "
            f"key and log among them. {_READ_FIRST}",
        )
    if not image.micropython and not image.frozen:
        return Problem(
            f"{name} holds no MicroPython: no tool would run on the board. Nothing was written.",
            "Give an image of MicroPython. --anyway writes it all the same.",
        )
    unfit = why_no_firmware(image)
    if unfit is not None or image.frozen:
        return unfit
    needs_frozen = told_by(target, image).needs_frozen
    if needs_frozen is False:
        return None
    if needs_frozen is None:
        return Problem(
            f"Which board this is can't be told by its chip, an {target.chip}, and not each has the memory for {name}.",
            f"Say which: {_choices(target)}.",
        )
    return _does_not_fit(target, f"{name} has none of it")


def why_no_firmware(image: Image) -> Problem | None:
    """Return why the firmware runs on no board with the MicroPython of `image`, None where it does, or is frozen in."""
    name = image.path.name
    version = _VERSION.match(image.micropython)
    if version and (int(version[1]), int(version[2])) < OLDEST_MICROPYTHON:
        oldest = ".".join(str(number) for number in OLDEST_MICROPYTHON)
        return Problem(
            f"{name} is MicroPython {image.micropython}: the firmware needs {oldest} or later. Nothing was written.",
            "Give a newer image, or leave --image out. --anyway writes it all the same.",
        )
    if not image.frozen and version and (int(version[1]), int(version[2])) > _NEWEST_MICROPYTHON:
        newest = ".".join(str(number) for number in _NEWEST_MICROPYTHON)
        return Problem(
            f"{name} is MicroPython {image.micropython}, newer than the {newest} that this toolkit knows: what is "
            "compiled here may not run on it. Nothing was written.",
            f"Give an image of {newest}, leave --image out, or upgrade the toolkit. --anyway writes it all the same.",
        )
    return None


def _does_not_fit(target: Target, why: str) -> Problem:
    return Problem(
        f"{target.words}: its memory takes the firmware only frozen into the image, and {why}. Nothing was written.",
        f"Build an image with the firmware frozen ({FREEZING}) and give it with --image, or take a board with more "
        "memory: a Pico 2 W, an ESP32-S3 with PSRAM. --anyway writes MicroPython without the tool.",
    )
