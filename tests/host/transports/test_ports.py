import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from iastm_host.transports import base
from iastm_host.transports.base import TransportError
from iastm_host.transports.ports import Holder, SerialPort, holders_of, list_serial_ports, named
from iastm_host.transports.serial import SerialTransport, busy

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux's /proc")


def test_ports_come_by_name_with_their_usb_numbers_and_texts_that_are_never_none() -> None:
    found = [
        SimpleNamespace(
            device="/dev/ttyUSB1",
            vid=0x10C4,
            pid=0xEA60,
            serial_number=None,
            product=None,
            manufacturer=None,
            location=None,
        ),
        SimpleNamespace(
            device="/dev/ttyACM0",
            vid=0x2E8A,
            pid=5,
            serial_number="e66",
            product="Board",
            manufacturer="MicroPython",
            location="1-1.2:1.0",
        ),
    ]
    assert list_serial_ports(lambda: found) == [
        SerialPort("/dev/ttyACM0", 0x2E8A, 5, "e66", "Board", "MicroPython", "1-1.2:1.0"),
        SerialPort("/dev/ttyUSB1", 0x10C4, 0xEA60, "", "", ""),
    ]


def test_a_name_that_linux_keeps_for_a_chip_that_is_not_there_is_no_port(tmp_path: Path) -> None:
    for name, chip in (("ttyS0", "4"), ("ttyS1", "0")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "type").write_text(f"{chip}\n")
    found = [
        SimpleNamespace(
            device=f"/dev/{name}",
            vid=None,
            pid=None,
            serial_number=None,
            product=None,
            manufacturer=None,
            location=None,
        )
        for name in ("ttyS0", "ttyS1", "ttyAMA0")
    ]
    ports = list_serial_ports(lambda: found, ttys=tmp_path)
    assert [port.device for port in ports] == ["/dev/ttyAMA0", "/dev/ttyS0"]


@pytest.fixture
def pty() -> Iterator[str]:
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


def _holder(script: Path, port: str) -> subprocess.Popen[str]:
    script.write_text(
        "import os, sys\n"
        "port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script), port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


@linux
def test_who_holds_a_port_is_found_by_the_name_of_its_script_and_never_this_process(pty: str, tmp_path: Path) -> None:
    assert holders_of(pty) == []
    process = _holder(tmp_path / "serial_monitor.py", pty)
    try:
        assert holders_of(pty) == [Holder(process.pid, "serial_monitor.py")]
    finally:
        process.communicate()
    assert holders_of(pty) == []


@linux
def test_a_port_is_found_by_a_link_to_it_as_well(pty: str, tmp_path: Path) -> None:
    link = tmp_path / "tool"
    link.symlink_to(pty)
    process = _holder(tmp_path / "logger.py", pty)
    try:
        assert [holder.pid for holder in holders_of(str(link))] == [process.pid]
    finally:
        process.communicate()


def _process(proc: Path, pid: int, name: str, words: list[str], targets: list[str], parent: int = 1) -> None:
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")
    (folder / "stat").write_text(f"{pid} ({name}) S {parent} 0 0\n")
    for number, target in enumerate(targets):
        (folder / "fd" / str(number)).symlink_to(target)


def test_an_interpreter_is_named_by_what_it_runs_and_another_program_by_itself(tmp_path: Path) -> None:
    port = "/dev/ttyACM7"
    _process(tmp_path, 10, "screen", ["screen", port], ["/dev/null", port])
    _process(tmp_path, 20, "python3", ["python3", "-m", "thonny"], [port])
    _process(tmp_path, 30, "python3", ["python3", "-X", "dev", "-c", "run()"], [port])
    _process(tmp_path, 40, "bash", ["bash"], ["/dev/ttyACM8"])
    found = holders_of(port, platform="linux", proc=tmp_path)
    assert found == [Holder(10, "screen"), Holder(20, "thonny"), Holder(30, "python3")]


def test_who_plays_the_far_side_of_a_pseudo_terminal_holds_it_but_does_not_use_it(tmp_path: Path) -> None:
    port = "/dev/pts/3"
    _process(tmp_path, 10, "iastm", ["iastm", "simulate"], [port])
    _process(tmp_path, 11, "micropython", ["micropython"], ["/dev/ptmx"], parent=10)
    _process(tmp_path, 12, "iastm", ["iastm", "run"], [port])
    assert holders_of(port, platform="linux", proc=tmp_path) == [Holder(12, "iastm")]


def test_macos_is_asked_by_lsof_and_other_systems_not_at_all() -> None:
    asked = []

    def lsof(device: str) -> str:
        asked.append(device)
        return f"p4711\ncscreen\nf3\np{os.getpid()}\ncpython\np815\ncThonny\n"

    found = holders_of("/dev/cu.usbmodem1", platform="darwin", lsof=lsof)
    assert found == [Holder(4711, "screen"), Holder(815, "Thonny")]
    assert asked == ["/dev/cu.usbmodem1"]
    assert holders_of("COM3", platform="win32") == []


def test_a_busy_port_names_the_program_and_its_number_and_asks_to_close_it() -> None:
    error = busy("/dev/ttyACM0", [Holder(4711, "screen")])
    assert error.reason == base.BUSY
    assert error.what == "/dev/ttyACM0 is busy: screen (process 4711) has it open."
    assert error.fix.startswith("Close that program")
    both = busy("/dev/ttyACM0", [Holder(1, "screen"), Holder(2, "minicom")])
    assert "screen (process 1), minicom (process 2) have it open" in both.what
    assert both.fix.startswith("Close those programs")
    assert "another program" in busy("COM3", []).what
    assert named([]) == ""


@linux
def test_whoever_opens_a_busy_port_is_told_which_program_has_it(pty: str, tmp_path: Path) -> None:
    script = tmp_path / "plotter.py"
    process = _holder(script, pty)

    async def test() -> TransportError:
        first = SerialTransport(pty, lambda: 0)
        await first.open()
        with pytest.raises(TransportError) as raised:
            await SerialTransport(pty, lambda: 0).open()
        await first.close()
        return raised.value

    try:
        error = asyncio.run(asyncio.wait_for(test(), 30))
    finally:
        process.communicate()
    assert error.reason == base.BUSY
    assert f"plotter.py (process {process.pid}) has it open" in error.what
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
