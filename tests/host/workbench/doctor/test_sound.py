from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import sound
from iastm_host.workbench.doctor.system import Ran

Make = Callable[..., Computer]
CARDS = " 0 [Headset        ]: USB-Audio - Desk Headset\n                      Desk Headset at usb-0000:00:14.0-3\n"
NO_CARDS = "--- no soundcards ---\n"


def desktop(here: Computer) -> Computer:
    """Give a computer a card and a sound server."""
    here.write("/proc/asound/cards", CARDS)
    here.environ["XDG_RUNTIME_DIR"] = "/run/user/1000"
    here.sockets.add("/run/user/1000/pulse/native")
    return here


def test_a_card_and_a_server_are_well(computer: Make) -> None:
    seen = sound.sound(desktop(computer()).system())
    assert seen.ok
    assert "USB-Audio" in seen.detail


@pytest.mark.parametrize("cards", ["", NO_CARDS])
def test_a_computer_without_sound_is_told_that_warnings_are_seen_alone(computer: Make, cards: str) -> None:
    here = computer()
    here.write("/proc/asound/cards", cards)
    seen = sound.sound(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "seen, not heard" in seen.detail
    assert seen.fix


def test_a_card_without_a_server_gets_one(computer: Make) -> None:
    here = desktop(computer())
    here.sockets.clear()
    seen = sound.sound(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "systemctl --user enable --now pipewire" in seen.fix


def test_a_server_that_is_named_counts(computer: Make) -> None:
    assert sound.sound(computer(environ={"PULSE_SERVER": "tcp:desk"}).system()).ok


@pytest.mark.parametrize(
    ("asked", "answer", "fix"),
    [
        (("wpctl", "get-volume"), "Volume: 0.40 [MUTED]\n", "wpctl set-mute @DEFAULT_AUDIO_SINK@ 0"),
        (("pactl", "get-sink-mute"), "Mute: yes\n", "pactl set-sink-mute @DEFAULT_SINK@ 0"),
    ],
)
def test_a_muted_loudspeaker_is_told_with_the_command_of_who_said_so(
    computer: Make, asked: tuple[str, ...], answer: str, fix: str
) -> None:
    here = desktop(computer())
    here.programs[asked] = Ran(0, answer)
    seen = sound.sound(here.system())
    assert (seen.ok, seen.only_advice, seen.fix) == (False, True, fix)
    here.programs[asked] = Ran(0, "Volume: 0.40\n")
    assert sound.sound(here.system()).ok


def test_a_server_with_nothing_to_play_on_is_told(computer: Make) -> None:
    here = desktop(computer())
    here.programs[("pactl", "get-default-sink")] = Ran(0, "auto_null\n")
    seen = sound.sound(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    here.programs[("pactl", "get-default-sink")] = Ran(0, "alsa_output.usb\n")
    assert sound.sound(here.system()).ok


def test_sound_that_nobody_wants_is_not_looked_for(computer: Make) -> None:
    assert sound.sound(computer(sound=False).system()).ok


def test_a_mac_is_asked_for_its_output_and_whether_it_is_muted(computer: Make) -> None:
    here = computer(platform="darwin")
    assert sound.sound(here.system()).ok
    here.programs[("system_profiler",)] = Ran(0, '{"SPAudioDataType": []}')
    assert not sound.sound(here.system()).ok
    here.programs[("system_profiler",)] = Ran(0, '{"coreaudio_default_audio_output_device" : "spaudio_yes"}')
    assert sound.sound(here.system()).ok
    here.programs[("osascript",)] = Ran(0, "true\n")
    seen = sound.sound(here.system())
    assert (seen.ok, seen.fix) == (False, "osascript -e 'set volume without output muted'")


def test_windows_is_asked_for_outputs_and_not_for_microphones(computer: Make) -> None:
    here = computer(platform="win32")
    assert sound.sound(here.system()).ok
    here.programs[("powershell",)] = Ran(0, "SWD\\MMDEVAPI\\{0.0.1.00000000}.{AB}\r\n")
    assert not sound.sound(here.system()).ok
    here.programs[("powershell",)] = Ran(0, "SWD\\MMDEVAPI\\{0.0.0.00000000}.{CD}\r\n")
    assert sound.sound(here.system()).ok
