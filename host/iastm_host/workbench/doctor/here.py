"""This computer as the checks see it. It is asked, and nothing of it changed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Never

from iastm_host.workbench.doctor.system import LINUX, WINDOWS, Interpreter, Login, Ran, System, User

if TYPE_CHECKING:
    from iastm_host.transports.ports import Holder, SerialPort
    from iastm_host.transports.runtime import Runtime
    from iastm_host.workbench.doctor.tool import ToolSaid

PROGRAM_TIMEOUT_S = 4.0
_CONNECT_TIMEOUT_S = 1.0


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
        platform=LINUX if sys.platform.startswith(LINUX) else sys.platform,
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
