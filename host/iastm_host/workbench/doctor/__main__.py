"""`python -m iastm_host.workbench.doctor [--json]`: the doctor where packages are too broken for `iastm` to start."""

from __future__ import annotations

import json
import sys

from iastm_host.workbench.doctor.checks import OF_COMPUTER, examine
from iastm_host.workbench.doctor.finding import as_object, as_text
from iastm_host.workbench.doctor.here import real_system

_USAGE = 2


def main(arguments: list[str]) -> int:
    """Print what was found; return 0 where the main job would work, else 1, and 2 for another argument than --json."""
    if arguments not in ([], ["--json"]):
        sys.stderr.write("Usage: python -m iastm_host.workbench.doctor [--json]\n")
        return _USAGE
    report = examine(real_system(), OF_COMPUTER)
    sys.stdout.write((json.dumps(as_object(report), ensure_ascii=False) if arguments else as_text(report)) + "\n")
    return int(not report.works())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
