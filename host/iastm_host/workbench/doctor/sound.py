"""Whether a warning can be heard. The window shows it too; a muted loudspeaker is silent without a word."""

from __future__ import annotations

import re

from iastm_host.workbench.doctor.finding import Seen, advice, good
from iastm_host.workbench.doctor.qt import install
from iastm_host.workbench.doctor.system import LINUX, MACOS, System


def sound(system: System) -> Seen:
    """There is something to play a warning on, and it is not muted."""
    user = system.user_if_known()
    if user is not None and not user.sound:
        return good("switched off in the settings (sound = false)")
    if system.platform == LINUX:
        return _linux(system)
    return _macos(system) if system.platform == MACOS else _windows(system)


def _linux(system: System) -> Seen:
    server = _server(system)
    cards = re.findall(r"^\s*\d+ \[.*?\]: (.+)$", system.read("/proc/asound/cards") or "", re.MULTILINE)
    if not server and not cards:
        return advice(
            "no sound card, and no sound server: warnings are seen, not heard",
            "Plug in a loudspeaker or headphones (USB brings its own card); look with: cat /proc/asound/cards",
        )
    if not server:
        start = "systemctl --user enable --now pipewire pipewire-pulse"
        return advice(
            f"a card ({cards[0]}), but no sound server that Qt plays through",
            f"{start}\nWhere that is not there: {install(system, 'pipewire-pulse')}",
        )
    if _asked(system, "pactl", "get-default-sink") == "auto_null":
        return advice(
            f"{server}, which has nothing to play on: warnings are seen, not heard",
            "Plug in a loudspeaker or headphones, or choose one in the system's settings for sound.",
        )
    unmute = _muted(system)
    if unmute:
        return advice("the loudspeaker is muted: warnings are seen, not heard", unmute)
    return good(f"{server}, {cards[0] if cards else 'with what it plays on elsewhere'}")


def _server(system: System) -> str:
    """Return the sound server that Qt would play through, "" where none is there."""
    named = system.environ.get("PULSE_SERVER", "")
    if named:
        return f"PULSE_SERVER={named}"
    folder = system.environ.get("XDG_RUNTIME_DIR", "")
    if folder and system.listens(f"{folder}/pulse/native"):
        return "PulseAudio or PipeWire"
    return ""


def _muted(system: System) -> str:
    """Return the command that lets the loudspeaker be heard again, "" where it is heard or nobody tells."""
    if "[MUTED]" in _asked(system, "wpctl", "get-volume", "@DEFAULT_AUDIO_SINK@"):
        return "wpctl set-mute @DEFAULT_AUDIO_SINK@ 0"
    if "yes" in _asked(system, "pactl", "get-sink-mute", "@DEFAULT_SINK@"):
        return "pactl set-sink-mute @DEFAULT_SINK@ 0"
    return ""


def _asked(system: System, *command: str) -> str:
    ran = system.run(command)
    return "" if ran is None or ran.code else ran.out.strip()


def _macos(system: System) -> Seen:
    ran = system.run(["system_profiler", "-json", "SPAudioDataType"])
    if ran is None:
        return good("not known: macOS does not say")
    if '"coreaudio_default_audio_output_device"' not in ran.out:
        return advice(
            "no output: warnings are seen, not heard", "System Settings, Sound, Output: choose a loudspeaker."
        )
    ran = system.run(["osascript", "-e", "output muted of (get volume settings)"])
    if ran is not None and ran.out.strip() == "true":
        return advice("muted: warnings are seen, not heard", "osascript -e 'set volume without output muted'")
    return good("an output is there")


_ASK_WINDOWS = (
    "powershell",
    "-NoProfile",
    "-Command",
    "Get-CimInstance Win32_PnPEntity -Filter \"PNPClass='AudioEndpoint'\" | ForEach-Object PNPDeviceID",
)


def _windows(system: System) -> Seen:
    ran = system.run(_ASK_WINDOWS)
    if ran is None:
        return good("not known: Windows does not say")
    # Endpoints of output are numbered {0.0.0…, those of input {0.0.1….
    if "{0.0.0" not in ran.out.lower():
        return advice("no output: warnings are seen, not heard", "Settings, System, Sound: choose where to play sound.")
    return good("an output is there")
