"""The computer as the checks see it: a table of ways to ask it something, so that a test can play any machine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iastm_host.transports.ports import Holder, SerialPort
    from iastm_host.transports.runtime import Runtime
    from iastm_host.workbench.doctor.tool import ToolSaid

LINUX, MACOS, WINDOWS = "linux", "darwin", "win32"
_PLAIN = re.compile(r"[\w.:\\-]+")


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended, and what it wrote."""

    code: int
    out: str
    err: str = ""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The Python that runs this. `managed`: the system keeps pip away from it (PEP 668)."""

    name: str
    version: tuple[int, int, int]
    bits: int
    in_environment: bool
    managed: bool
    has_pip: bool
    executable: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who runs this: the groups that this login has, those that the system's list gives the user, and all there are."""

    user: str
    is_root: bool
    has: frozenset[str]
    listed: frozenset[str]
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class User:
    """Where this user's things belong, and whether sounds are wanted."""

    recordings: Path
    data: Path
    config: Path
    sound: bool = True


@dataclass(frozen=True, slots=True)
class System:
    """One computer. Whatever raises makes its check a finding.

    `root` stands for "/" wherever a file of the system is read. `run` gives None where a program is not there or does
    not end in time; `requires` None where a package is not installed; `port` and `tool` are what a person named, of
    which `ask_tool` tells.
    """

    platform: str
    machine: str
    environ: Mapping[str, str]
    root: Path
    interpreter: Interpreter
    login: Login
    run: Callable[[Sequence[str]], Ran | None]
    version_of: Callable[[str], str | None]
    requires: Callable[[str], Sequence[str] | None]
    folder_of: Callable[[str], Path | None]
    ports: Callable[[], Sequence[SerialPort]]
    holders: Callable[[str], Sequence[Holder]]
    may: Callable[[Path, int], bool]
    read_only: Callable[[Path], bool]
    group_of: Callable[[Path], str]
    listens: Callable[[str], bool]
    device_of: Callable[[Path], int]
    free_bytes: Callable[[Path], int]
    runtime: Callable[[], Runtime]
    keyring: Callable[[], str | None]
    now: Callable[[], datetime]
    marker_values: Mapping[str, str]
    user: Callable[[], User]
    ask_tool: Callable[[], ToolSaid]
    port: str | None = None
    tool: str | None = None

    def file(self, path: str) -> Path:
        """Return where a file of the system is."""
        return self.root / path.lstrip("/")

    def read(self, path: str) -> str | None:
        """Return a file's text, None where it is not there or may not be read."""
        try:
            return self.file(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, none where it is not there or may not be read."""
        try:
            return sorted(path.name for path in self.file(folder).iterdir())
        except OSError:
            return []

    def there(self, path: Path) -> bool:
        """Tell whether a path is there; one that may not be looked at counts as there."""
        try:
            return path.exists()
        except OSError as error:
            return isinstance(error, PermissionError)

    def user_if_known(self) -> User | None:
        """Return where this user's things belong, None where the settings, which tell it, can't be read."""
        try:
            return self.user()
        except Exception:  # noqa: BLE001 (Problem lives in a module that needs numpy; the check of settings tells it)
            return None

    def processes(self) -> set[str]:
        """Return the names of the programs that run, as far as Linux tells them to this user."""
        named = (self.read(f"/proc/{name}/comm") for name in self.names("/proc") if name.isdigit())
        return {name.strip() for name in named if name is not None}

    def pip_install(self, *packages: str) -> str:
        """Return the command that installs packages into this interpreter."""
        python = self.quoted(self.interpreter.executable)
        if self.interpreter.managed and not self.interpreter.in_environment:
            return (
                "Make a virtual environment, and install the toolkit in it:\n"
                f"{python} -m venv ~/iastm && ~/iastm/bin/pip install {' '.join(map(self.quoted, packages))}"
            )
        pip = "" if self.interpreter.has_pip else f"{python} -m ensurepip && "
        return f"{pip}{python} -m pip install {' '.join(map(self.quoted, packages))}"

    def quoted(self, word: str) -> str:
        """Return a word as this system's shell takes it."""
        if self.platform != WINDOWS:
            return shlex.quote(word)
        return word if _PLAIN.fullmatch(word) else f'"{word}"'
