"""README.txt of a bundle: for somebody at a bench without a network who has this file and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from iastm_host.workbench.images import Image
from iastm_host.workbench.release import Release


def readme(toolkit_version: str, platform: str, releases: Sequence[Release], images: Sequence[Image]) -> str:
    """Return the text. `platform` is the one of the wheels in words, "" where the bundle has none."""
    paragraphs = [
        f"IASTM toolkit {toolkit_version}: everything for a bench without a network\n"
        + "A feedback and training aid, not a medical device.",
        "Keep the ZIP file: the commands below want it as it is, and check every file in it before they use one.",
        _setting_up(platform),
        _flashing(images),
        "2. To bring the firmware alone to a board that has MicroPython\n\n"
        "    iastm deploy --port PORT --bundle THIS.zip\n\n"
        f"Firmware {releases[0].version}, sources {releases[0].source_hash}, compiled for "
        f"{', '.join(release.architecture for release in releases)}.",
        "bundle.json has the size and the SHA-256 of every file.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _setting_up(platform: str) -> str:
    if not platform:
        return (
            "0. To set up the toolkit\n\n"
            "This bundle was made without the toolkit's wheels: it is for a computer that has the toolkit already."
        )
    return (
        f"0. To set up the toolkit on a computer without a network: {platform}\n\n"
        "    Unpack this ZIP file, then in the folder where README.txt is:\n\n"
        "    Linux, macOS:\n"
        "        python3 -m venv iastm-venv\n"
        "        iastm-venv/bin/pip install --no-index --find-links wheels 'iastm-toolkit[workbench]'\n"
        "        iastm-venv/bin/iastm --version\n\n"
        "    Windows:\n"
        "        py -m venv iastm-venv\n"
        '        iastm-venv\\Scripts\\pip install --no-index --find-links wheels "iastm-toolkit[workbench]"\n'
        "        iastm-venv\\Scripts\\iastm --version\n\n"
        "Another version of Python or another system needs other wheels: make a bundle there."
    )


def _flashing(images: Sequence[Image]) -> str:
    title = "1. To write MicroPython and the firmware to a board\n\n"
    if not images:
        return title + "    iastm flash --image FILE --bundle THIS.zip\n\nThis bundle has no image of MicroPython."
    rows = [
        f"    {image.path.name}: {image.chip}, MicroPython {image.micropython or 'unknown'}"
        + (f" for {image.machine}" if image.machine else "")
        + (", the firmware frozen in" if image.frozen else "")
        for image in images
    ]
    return title + "    iastm flash --bundle THIS.zip\n\n" + "\n".join(rows)
