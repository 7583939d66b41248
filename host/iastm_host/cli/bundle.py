"""`iastm bundle`: see the command's help."""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from iastm_host.cli.wiring import APP_NAME
from iastm_host.events import Problem
from iastm_host.workbench.boards import KINDS
from iastm_host.workbench.bundle import ARCHITECTURES, Contents, write_bundle
from iastm_host.workbench.bundle_readme import readme
from iastm_host.workbench.bundle_wheels import DISTRIBUTION, get_wheels, platform_words
from iastm_host.workbench.compiler import compile_release
from iastm_host.workbench.download import cached_image, fetch_image, image_url
from iastm_host.workbench.images import read_image
from iastm_host.workbench.release import Release, selector_source

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Suppliers:
    """Where a bundle's parts come from. `ask` puts a question to a person; None where nobody is there."""

    cache: Path
    release_for: Callable[[str], Release]
    fetch: Callable[[str, Path], Path]
    wheels: Callable[[Path], None]
    ask: Callable[[str], bool] | None
    say: Callable[[str], None]


def bundle(
    out: Annotated[Path, typer.Argument(help="The file to write, such as bench.zip. It may not be there yet.")],
    image: Annotated[
        list[Path] | None,
        typer.Option(help="An image of MicroPython to put in: .uf2 or .bin. May be given several times."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch MicroPython's own images for the boards that can use them.")
    ] = False,
    without_wheels: Annotated[
        bool,
        typer.Option("--without-wheels", help="Firmware and images alone: for a computer that has the toolkit."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Download without asking.")] = False,
) -> None:
    """Put everything for a bench without a network into one file.

    The firmware compiled for every board, images of MicroPython, and the toolkit with all that it needs for this
    system and this Python, to be set up without a network: README.txt in it says how. Asks before it downloads.
    Then, at the bench: iastm flash --bundle FILE, iastm deploy --bundle FILE.
    """
    interactive = sys.stdin.isatty()
    suppliers = Suppliers(
        cache=image_cache(),
        release_for=compile_release,
        fetch=fetch_image,
        wheels=get_wheels,
        ask=(lambda _: True) if yes else typer.confirm if interactive else None,
        say=typer.echo,
    )
    make_bundle(out, image or [], suppliers, download=download, wheels=not without_wheels)


def image_cache() -> Path:
    """Return the folder for images that were downloaded."""
    return Path(platformdirs.user_cache_path(APP_NAME)) / "images"


def make_bundle(out: Path, images: list[Path], suppliers: Suppliers, *, download: bool, wheels: bool) -> None:
    """Gather what a bundle shall hold, and write it; raises Problem. Nothing is downloaded before `ask` said yes."""
    if out.exists():
        raise Problem(f"{out} exists and is not overwritten.", "Name another file, or move that one away.")
    checked = [read_image(path) for path in images]
    fetched = _downloads(suppliers.cache) if download else {}
    _ask(suppliers, [url for url, path in fetched.items() if path is None], wheels=wheels)
    releases = []
    for architecture in ARCHITECTURES:
        suppliers.say(f"Compiling the firmware for {architecture}.")
        releases.append(suppliers.release_for(architecture))
    for url, path in fetched.items():
        if path is None:
            suppliers.say(f"Fetching {url}.")
        checked.append(read_image(path or suppliers.fetch(url, suppliers.cache)))
    with tempfile.TemporaryDirectory(prefix="iastm-wheels-") as folder:
        if wheels:
            suppliers.say("Getting the wheels. This takes minutes.")
            suppliers.wheels(Path(folder))
        version = importlib.metadata.version(DISTRIBUTION)
        platform = platform_words() if wheels else ""
        contents = Contents(
            toolkit_version=version,
            selector=selector_source(),
            releases=releases,
            images=checked,
            wheels=sorted(Path(folder).glob("*.whl")),
            platform=platform,
            readme=readme(version, platform, releases, checked),
        )
        info = write_bundle(out, contents)
    parts = [
        f"firmware {info.firmware_version} for {', '.join(ARCHITECTURES)}",
        _counted(len(checked), "image"),
        _counted(len(contents.wheels), "wheel") + (f" for {platform}" if platform else ""),
    ]
    suppliers.say(f"{out}, {out.stat().st_size / _MB:.1f} MB: {'; '.join(parts)}.")


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _downloads(cache: Path) -> dict[str, Path | None]:
    """Return the URLs of images to put in, each with the file where it was fetched before.

    A board that takes the firmware only within its image has no use for MicroPython's own.
    """
    urls = [image_url(kind) for kind in KINDS.values() if not kind.frozen_only]
    return {url: cached_image(url, cache) for url in urls}


def _ask(suppliers: Suppliers, urls: list[str], *, wheels: bool) -> None:
    parts = list(urls)
    if wheels:
        parts.append("by pip, what the toolkit needs: up to 400 MB of wheels, less what pip has kept")
    if not parts:
        return
    question = "\n".join(["To be downloaded:", *(f"  {part}" for part in parts)])
    leave_out = "Leave it out: --without-wheels and no --download, images by --image"
    if suppliers.ask is None:
        raise Problem(f"{question}\nNobody is here to be asked.", f"Allow it with --yes. {leave_out}.")
    if not suppliers.ask(f"{question}\nDownload?"):
        raise Problem("Nothing was downloaded, and no bundle was written.", f"{leave_out}.")
