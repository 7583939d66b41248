"""The computer as the checks see it: a table of ways to ask it something, so that a test can play any machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Never

if TYPE_CHECKING:
    from iastm_host.transports.ports import Holder, SerialPort
    from iastm_host.transports.runtime import Runtime
    from iastm_host.workbench.doctor.tool import ToolSaid

PROGRAM_TIMEOUT_S = 4.0
_CONNECT_TIMEOUT_S = 1.0
LINUX, MACOS, WINDOWS = "linux", "darwin", "win32"


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
        return (
            word if word.replace("-", "").replace("\\", "").replace(":", "").replace(".", "").isalnum() else f'"{word}"'
        )


def _nobody_says() -> Never:
    raise LookupError("only iastm doctor knows")


def real_system(
    *,
    user: Callable[[], User] = _nobody_says,
    ask_tool: Callable[[], ToolSaid] = _nobody_says,
    port: str | None = None,
    tool: str | None = None,
) -> System:
    """Return this computer; `user` and `ask_tool` come from rooms above this one."""
    return System(
        platform="linux" if sys.platform.startswith("linux") else sys.platform,
        machine=platform.machine(),
        environ=os.environ,
        root=Path("/"),
        interpreter=_interpreter(),
        login=_login(),
        run=_run,
        version_of=_version_of,
        requires=_requires,
        folder_of=_folder_of,
        ports=_ports,
        holders=_holders,
        may=os.access,
        read_only=_read_only,
        group_of=lambda path: path.group(),
        listens=_listens,
        device_of=lambda path: path.stat().st_dev,
        free_bytes=lambda path: shutil.disk_usage(path).free,
        runtime=_runtime,
        keyring=_keyring,
        now=lambda: datetime.now().astimezone(),
        user=user,
        ask_tool=ask_tool,
        port=port,
        tool=tool,
        marker_values=_marker_values(),
    )


def _interpreter() -> Interpreter:
    return Interpreter(
        name=platform.python_implementation(),
        version=(sys.version_info.major, sys.version_info.minor, sys.version_info.micro),
        bits=64 if sys.maxsize > 2**32 else 32,
        in_environment=sys.prefix != sys.base_prefix,
        managed=(Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").exists(),
        has_pip=importlib.util.find_spec("pip") is not None,
        executable=sys.executable,
    )


def _login() -> Login:
    if sys.platform == WINDOWS:
        return Login(os.environ.get("USERNAME", ""), False, frozenset(), frozenset(), frozenset())
    import grp
    import pwd

    groups = grp.getgrall()
    try:
        account = pwd.getpwuid(os.geteuid())
        user, primary = account.pw_name, account.pw_gid
    except KeyError:  # a number without a name, as in some containers
        user, primary = str(os.geteuid()), os.getegid()
    numbers = {*os.getgroups(), os.getegid()}
    return Login(
        user=user,
        is_root=os.geteuid() == 0,
        has=frozenset(group.gr_name for group in groups if group.gr_gid in numbers),
        listed=frozenset(group.gr_name for group in groups if user in group.gr_mem or group.gr_gid == primary),
        known=frozenset(group.gr_name for group in groups),
    )


def _run(command: Sequence[str]) -> Ran | None:
    try:
        ended = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROGRAM_TIMEOUT_S,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Ran(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))


def _version_of(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _requires(package: str) -> Sequence[str] | None:
    try:
        return importlib.metadata.requires(package) or ()
    except importlib.metadata.PackageNotFoundError:
        return None


def _folder_of(package: str) -> Path | None:
    """Return where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


def _ports() -> Sequence[SerialPort]:
    from iastm_host.transports.ports import list_serial_ports

    return list_serial_ports()


def _holders(device: str) -> Sequence[Holder]:
    from iastm_host.transports.ports import holders_of

    return holders_of(device)


def _listens(path: str) -> bool:
    """Tell whether a program takes connections at a socket of the file system."""
    if sys.platform == WINDOWS:
        return False
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(_CONNECT_TIMEOUT_S)
        return asked.connect_ex(path) == 0


def _read_only(path: Path) -> bool:
    """Tell whether the file system that holds a path takes nothing, from whomever."""
    return sys.platform != WINDOWS and bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _runtime() -> Runtime:
    from iastm_host.transports.runtime import find_runtime

    return find_runtime(os.environ)


def _keyring() -> str | None:
    """Return what this system's keyring is called, None where it has none."""
    from iastm_host.keys import system_keyring

    found = system_keyring()
    return None if found is None else str(getattr(found, "name", type(found).__name__))


def _marker_values() -> dict[str, str]:
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_system": platform.system(),
        "platform_release": platform.release(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name,
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "python_full_version": platform.python_version(),
    }
