"""What the project's text may say: no promise of an effect, nothing about places outside the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# No study shows these of IASTM, and no reading of this tool makes a stroke harmless.
CLAIMS = [
    r"break(s|ing)?( up| down)? (adhesions|scar tissue)",
    r"remov(e|es|ing) (metabolic )?(toxins|waste)",
    r"\bdetox",
    r"\bheal(s|ing)\b",
    r"(prevents?|preventing|avoids?) (any )?(injury|injuries|bruising|bruises|petechiae)",
    r"petechiae will (not )?appear",
    r"(risk|probability|chance|likelihood) of (an )?(injury|petechiae|bruising)",
    r"\b(un)?safe(ly|ty)? (force|pressure|limit|threshold|level|stroke|treatment|for (the )?(skin|client|patient))",
    r"(is|are|be|stay|stays|feel|keeps? \w+) (perfectly |completely |quite |clinically )?safe\b(?! mode)",
]
# Places of one machine, which mean nothing in anyone else's checkout.
PLACES = [
    r"(?<![\w.])/(home/(?!me/)|root/|Users/|opt/|work/)\w",  # /home/me is anyone's
    r"\.\./shared",
    r"(?<![\w.])/tmp/\w",
]
# The records that explain what is not said may name it, as may this list.
EXPLAINS = {"tests/project/test_words.py", "CONTRIBUTING.md"}


def _texts() -> list[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    texts = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if name in EXPLAINS or not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            texts.append((name, data.decode()))
    return texts


def _findings(pattern: str, texts: list[tuple[str, str]]) -> list[str]:
    """Return file, line and words of each place; a sentence may run over a line's end."""
    found = []
    for name, text in texts:
        flat = re.sub(r"\s", " ", text)
        found += [
            f"{name}:{text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}"
            for hit in re.finditer(pattern, flat, re.IGNORECASE)
        ]
    return found


@pytest.mark.parametrize("pattern", CLAIMS)
def test_no_text_claims_an_effect(pattern: str) -> None:
    assert _findings(pattern, _texts()) == []


@pytest.mark.parametrize("pattern", PLACES)
def test_no_text_points_outside_the_repository(pattern: str) -> None:
    assert _findings(pattern, _texts()) == []


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        (CLAIMS[0], "It breaks up\nscar tissue."),
        (CLAIMS[3], "promotes healing"),
        (CLAIMS[4], "The limit prevents bruising"),
        (CLAIMS[7], "a safe force for everyone"),
        (CLAIMS[8], "so the client is safe."),
        (PLACES[0], "see /home/alice/notes"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: str, sentence: str) -> None:
    assert _findings(pattern, [("x", sentence)])


def test_files_are_looked_at() -> None:
    names = {name for name, _ in _texts()}
    assert {"README.md", "pyproject.toml", "protocol/iastm_protocol/frames.py"} <= names
