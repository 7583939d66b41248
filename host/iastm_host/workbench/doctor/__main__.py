"""`python -m iastm_host.workbench.doctor [--json | --all]`: the doctor where `iastm` is too broken to start."""

from __future__ import annotations

import json
import sys

from iastm_host.workbench.doctor.checks import OF_COMPUTER, examine
from iastm_host.workbench.doctor.finding import as_object, as_text
from iastm_host.workbench.doctor.here import real_system

_USAGE = 2


def main(arguments: list[str]) -> int:
    """Print what was found; return 0 where the main job would work, else 1, and 2 for other arguments."""
    if arguments not in ([], ["--json"], ["--all"]):
        sys.stderr.write("Usage: python -m iastm_host.workbench.doctor [--json | --all]\n")
        return _USAGE
    report = examine(real_system(), OF_COMPUTER)
    as_json = arguments == ["--json"]
    text = json.dumps(as_object(report), ensure_ascii=False) if as_json else as_text(report, everything=bool(arguments))
    sys.stdout.write(text + "\n")
    return int(not report.works())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
