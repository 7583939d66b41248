"""The libraries that Qt takes from a Linux system, asked of the system's own loader; no Qt is imported.

PySide6's wheels bring Qt but not what it stands on: EGL, xcb, fontconfig. The dynamic loader lists, for each file that
the window loads, what it would load and what it does not find; it runs none of it (LD_TRACE_LOADED_OBJECTS in man 8
ld.so, which is what ldd sets; --list stops at the first that is missing). So paths inside the wheel, LD_LIBRARY_PATH
and the loader's cache count as they do for Qt itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from iastm_host.workbench.doctor.finding import Seen, advice, bad, good
from iastm_host.workbench.doctor.system import LINUX, System

DEBIAN_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libXext.so.6": "libxext6",
    "libXrandr.so.2": "libxrandr2",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdrm.so.2": "libdrm2",
    "libfontconfig.so.1": "libfontconfig1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libpulse.so.0": "libpulse0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
"""What the loader looks for, and the Debian package that brings it; `make setup` installs the same ones."""
_MODULES = ("QtCore", "QtGui", "QtWidgets", "QtMultimedia")
_MEDIA = "Qt/plugins/multimedia/libffmpegmediaplugin.so"
_PLATFORMS = "Qt/plugins/platforms"
TRACE = ("env", "LD_TRACE_LOADED_OBJECTS=1")
_BROKEN = re.compile(r"error while loading shared libraries: ([^:\s]+):")
_NOT_FOUND = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)
_LOADER = re.compile(r"\s(/\S*/ld[^/\s]*\.so[^/\s]*)$", re.MULTILINE)
_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts")
_FONT_FOLDERS_LOOKED_AT = 2000


def libraries(system: System) -> Seen:
    """Every library is there that the window would load."""
    if system.platform != LINUX:
        return good("PySide6 brings all it needs on this system")
    folder = system.folder_of("PySide6")
    if folder is None:
        return bad("PySide6 is not there, so that its libraries can't be looked at", system.pip_install("PySide6"))
    loader = _loader(system)
    if loader is None:
        return good("not known: this system does not tell its loader; Qt will say what it lacks")
    files = [folder / f"{name}.abi3.so" for name in _MODULES]
    absent = [path.name for path in files if not path.exists()]
    plugins = _plugins(system, folder)
    if absent or not plugins:
        lacks = ", ".join(absent) or f"a plugin for {_wanted_platforms(system)[0]}"
        again = system.pip_install("PySide6").replace("pip install", "pip install --force-reinstall")
        return bad(f"PySide6 in {folder} lacks {lacks}", again)
    missing = _missing(system, loader, [*files, *plugins])
    if missing:
        return bad(f"Qt lacks {_enumerated(missing)}: no window opens", _install(system, missing))
    silent = _missing(system, loader, [path for path in [folder / _MEDIA] if path.exists()])
    if silent:
        return advice(f"Qt lacks {_enumerated(silent)} for sounds: the window stays silent", _install(system, silent))
    return good(f"all found for {', '.join(path.stem.removeprefix('libq') for path in plugins)}")


def fonts(system: System) -> Seen:
    """A font is there: without one the window shows boxes."""
    if system.platform != LINUX:
        return good("those of the system")
    folders = [system.file(folder) for folder in _FONTS]
    if "HOME" in system.environ:
        folders += [Path(system.environ["HOME"]) / place for place in (".fonts", ".local/share/fonts")]
    files = islice(chain.from_iterable(folder.rglob("*") for folder in folders), _FONT_FOLDERS_LOOKED_AT)
    found = next((path for path in files if path.suffix.lower() in (".ttf", ".otf", ".ttc")), None)
    if found is None:
        return bad("none: the window would show boxes instead of words", install(system, "fonts-dejavu-core"))
    return good(found.name)


def install(system: System, *packages: str) -> str:
    """Return how packages that Debian calls so are installed on this Linux."""
    names = " ".join(packages)
    said = system.read("/etc/os-release") or ""
    if re.search(r"^ID(_LIKE)?=.*\b(debian|ubuntu)\b", said, re.MULTILINE):
        return f"sudo apt install {names}"
    return f"Install what your system calls these; on Debian they are: {names}"


def _install(system: System, libraries: list[str]) -> str:
    known = sorted({DEBIAN_PACKAGES[name] for name in libraries if name in DEBIAN_PACKAGES})
    others = [name for name in libraries if name not in DEBIAN_PACKAGES]
    lines = [install(system, *known)] if known else []
    if others:
        lines.append(f"Install the packages that bring {_enumerated(others)}.")
    return "\n".join(lines)


def _enumerated(names: list[str]) -> str:
    return ", ".join(names)


def _loader(system: System) -> str | None:
    """Return the loader by which this very interpreter runs."""
    found = _LOADER.search(system.read("/proc/self/maps") or "")
    return None if found is None else found[1]


def _wanted_platforms(system: System) -> list[str]:
    chosen = system.environ.get("QT_QPA_PLATFORM", "")
    if chosen:
        # "wayland;xcb" tries one after the other; what stands after a colon are options.
        return [name.partition(":")[0] for name in chosen.split(";")]
    if system.environ.get("WAYLAND_DISPLAY") and not system.environ.get("DISPLAY"):
        return ["wayland"]
    return ["xcb"]


def _plugins(system: System, folder: Path) -> list[Path]:
    """Return the plugins for the displays that are named, else for X11: of "wayland" there may be several."""
    wanted = _wanted_platforms(system)
    return [path for name in wanted for path in sorted((folder / _PLATFORMS).glob(f"libq{name}*.so"))]


def _missing(system: System, loader: str, files: list[Path]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(_missing_for(system, loader, path) for path in files)))


def _missing_for(system: System, loader: str, path: Path) -> Iterator[str]:
    ran = system.run([*TRACE, loader, str(path)])
    if ran is None:
        raise OSError(f"{loader} does not answer")
    yield from _NOT_FOUND.findall(ran.out)
    # A file that is there and no library ends the list.
    broken = _BROKEN.search(ran.err)
    if broken:
        yield Path(broken[1]).name
    elif ran.code and not ran.out:
        raise OSError(f"{loader} refuses {path}: {ran.err.strip()}")
