"""What iastm monitor refuses, in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from iastm_host.cli.main import app
from iastm_host.events import Problem


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give one of --port, --tool and --simulated"),
        (("--port", "x", "--simulated"), "Give one of --port, --tool and --simulated"),
        (("--simulated", "--duration", "nan"), "can't be waited for"),
        (("--simulated", "--radio", "x:1"), "Only a Bluetooth tool needs a radio"),
        (("--simulated", "--out", "there.txt"), "there.txt exists and is not overwritten"),
        (("--simulated", "--out", "no/folder.txt"), "folder.txt can't be written"),
    ],
)
def test_what_can_t_be_done_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.txt").write_text("mine")
    ran = CliRunner().invoke(app, ["monitor", *arguments])
    assert isinstance(ran.exception, Problem)
    assert said in f"{ran.exception.what} {ran.exception.fix}"
    assert (tmp_path / "there.txt").read_text() == "mine"
