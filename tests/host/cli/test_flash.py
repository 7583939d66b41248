"""What `iastm flash` does in which order, and what it says; the board is a played desk, deploy and tool are fakes."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.host.workbench.flash_bench import BRIDGE, RP2350_INFO, S3_BARE, S3_FEATHER, S3_JTAG, Bench, Chip, Prompt
from tests.host.workbench.image_files import BANNER, ESP32_S3, esp_file, esp_partitions, esp_program

from iastm_host.cli.flash import Helpers, Wish, make_tool
from iastm_host.cli.wiring_deploy import Order
from iastm_host.events import Problem
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.bundle import Contents, write_bundle
from iastm_host.workbench.deploy import ANOTHER, RUNS, SILENT, Deployed, Step, Verdict
from iastm_host.workbench.esp import EspChip
from iastm_host.workbench.images import Image, read_image
from iastm_host.workbench.release import Release

PORT = "/dev/ttyACM0"
S3_MACHINE = "Generic ESP32S3 module with ESP32S3"
OWN_BOARD = """WIRING = {
    "name": "mine",
    "chip": "ESP32-S3",
    "adc": {"driver": "HX711", "data": 4, "clock": 5, "rate_hz": 80},
    "cell": {"id": "c", "capacity_n": 50, "coefficients": (0.0, 1e-5)},
}
"""
DEPLOYED = Deployed("0.1.0+0123456789abcdef", "a", changed=True, sent_files=9, sent_bytes=1000)


@dataclass
class Case:
    """A command's surroundings, and what happened to them."""

    bench: Bench
    cache: Path
    answers: list[bool] = field(default_factory=lambda: [True] * 9)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    orders: list[tuple[str, Order]] = field(default_factory=list)
    verdict: Verdict = field(default_factory=lambda: Verdict(RUNS))
    confirmed: list[str] = field(default_factory=list)
    played: bool = False
    code: int = 0
    tested: list[str] = field(default_factory=list)
    test_fails: Problem | None = None
    deploy_fails: BaseException | None = None

    def helpers(self) -> Helpers:
        return Helpers(
            desk=self.bench.desk(),
            cache=self.cache,
            ask=self._ask,
            know=self._ask,
            fetch=_never,
            shown=lambda: contextlib.nullcontext(self.bench.steps.append),
            deploy=self._deploy,
            confirm=self._confirm,
            is_played=lambda _port: self.played,
            self_test=self._test,
            say=self.said.append,
            warn=self.warned.append,
        )

    def _ask(self, question: str) -> bool:
        self.asked.append(question)
        return self.answers.pop(0)

    def _confirm(self, _port: str, digest: str) -> Verdict:
        self.confirmed.append(digest)
        return self.verdict

    def _deploy(self, port: str, order: Order, tell: Callable[[Step], None]) -> Deployed:
        tell(Step("open", "Asking the board for its prompt"))
        self.orders.append((port, order))
        if self.deploy_fails is not None:
            raise self.deploy_fails
        return DEPLOYED

    def _test(self, port: str) -> int:
        self.tested.append(port)
        if self.test_fails is not None:
            raise self.test_fails
        return self.code

    @property
    def text(self) -> str:
        return "\n".join(self.said)


def _never(*_: object) -> Path:
    raise AssertionError("nothing may be downloaded")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    bench = Bench()
    bench.plug_in(PORT, S3_JTAG)
    bench.chips[PORT] = Chip(S3_FEATHER)
    bench.prompts[PORT] = Prompt(S3_MACHINE)
    return Case(bench, tmp_path / "cache")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "plain.bin"
    path.write_bytes(esp_file())
    return path


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    path = tmp_path / "frozen.bin"
    application = esp_program(ESP32_S3, (BANNER + b"iastm_firmware/app.py\0",))
    path.write_bytes(esp_file(application=application, partitions=esp_partitions()))
    return path


def chip(case: Case) -> Chip:
    return case.bench.chips[PORT]


def test_a_board_gets_the_image_then_the_firmware_then_tests_itself_and_the_next_commands_are_said(
    case: Case, plain: Path
) -> None:
    assert make_tool(Wish(image=plain), case.helpers()) == 0
    assert case.asked == [f"Write plain.bin (MicroPython v1.29.0) to {PORT}?"]
    assert chip(case).written == [(plain, False)]
    assert case.orders == [(PORT, Order())]
    assert case.tested == [PORT]
    assert f"Found {PORT}: an ESP32-S3" in case.said[0]
    assert "2 MB PSRAM" in case.said[0]
    for words in ("0.1.0+0123456789abcdef runs", f"iastm run --port {PORT}", "iastm scan", "iastm pair --tool"):
        assert words in case.text


def test_what_one_does_not_agree_to_is_not_written_and_the_board_runs_on(case: Case, plain: Path) -> None:
    case.answers = [False]
    with pytest.raises(Problem, match=r"Nothing was written\."):
        make_tool(Wish(image=plain), case.helpers())
    assert chip(case).written == []
    assert chip(case).restarts == 1


def test_what_hides_behind_a_bridge_is_not_touched_before_a_person_says_that_it_is_the_board(
    case: Case, plain: Path
) -> None:
    case.bench.pull(PORT)
    case.bench.plug_in("/dev/ttyUSB0", BRIDGE)
    prompt = case.bench.prompts["/dev/ttyUSB0"] = Prompt("Generic ESP32S3 module with ESP32S3")
    case.bench.chips["/dev/ttyUSB0"] = Chip(S3_FEATHER)
    case.answers = [False]
    with pytest.raises(Problem, match=r"CP210x.*it was not touched") as raised:
        make_tool(Wish(image=plain), case.helpers())
    assert "--port /dev/ttyUSB0" in raised.value.fix
    with pytest.raises(Problem, match="it was not touched"):
        make_tool(Wish(image=plain), replace(case.helpers(), ask=None))
    assert prompt.done == []
    case.answers = [True, True]
    assert make_tool(Wish(image=plain), case.helpers()) == 0
    assert len(case.asked) == 3
    # Who names the port has said so.
    case.answers = [True]
    assert make_tool(Wish(port="/dev/ttyUSB0", image=plain), case.helpers()) == 0


def test_nobody_to_ask_means_that_nothing_is_written(case: Case, plain: Path) -> None:
    with pytest.raises(Problem, match="Nobody is here to be asked") as raised:
        make_tool(Wish(image=plain), replace(case.helpers(), ask=None))
    assert "--yes" in raised.value.fix
    assert chip(case).written == []


def test_erasing_is_agreed_to_with_what_is_lost_by_it(case: Case, plain: Path) -> None:
    make_tool(Wish(image=plain, erase=True), case.helpers())
    assert "Everything on the board is lost then: calibrations, its key" in case.asked[0]
    assert chip(case).written == [(plain, True)]


def test_frozen_firmware_needs_no_deploy_where_the_tool_tells_the_same_source(case: Case, frozen: Path) -> None:
    assert make_tool(Wish(image=frozen), case.helpers()) == 0
    assert case.orders == []
    assert "with the firmware frozen into it is on the board" in case.text
    assert "The tool runs the firmware that is frozen into its image." in case.text
    assert case.confirmed == [source_hash()]
    assert case.tested == [PORT]


def test_frozen_firmware_of_another_version_is_told(case: Case, frozen: Path) -> None:
    case.verdict = Verdict(ANOTHER, "The tool runs other firmware, 0.0.9.")
    assert make_tool(Wish(image=frozen), case.helpers()) == 0
    assert "The tool runs other firmware, 0.0.9." in case.text
    assert f"iastm deploy --port {PORT}" in case.text


def test_frozen_firmware_that_does_not_come_up_is_a_problem(case: Case, frozen: Path) -> None:
    case.verdict = Verdict(SILENT, "No tool answered within 60 s.")
    with pytest.raises(Problem, match=r"no tool comes up: No tool answered within 60 s\.") as raised:
        make_tool(Wish(image=frozen), case.helpers())
    assert "iastm monitor" in raised.value.fix


def test_a_demo_is_deployed_as_such_and_has_nothing_to_test(case: Case, plain: Path) -> None:
    assert make_tool(Wish(image=plain, demo=True), case.helpers()) == 0
    assert case.orders == [(PORT, Order("demo"))]
    assert case.tested == []
    assert "streams the built-in scenario" in case.text
    assert f"iastm deploy --port {PORT} --board esp32_s3" in case.text


def test_a_demo_of_frozen_firmware_is_named_on_the_board(case: Case, frozen: Path) -> None:
    prompt = case.bench.prompts[PORT]
    assert make_tool(Wish(image=frozen, demo=True), case.helpers()) == 0
    assert prompt.files["/board_name.txt"] == b"demo"
    assert case.orders == []


def test_an_image_with_which_no_tool_runs_is_written_only_when_told_to_and_nothing_follows(
    case: Case, plain: Path
) -> None:
    case.bench.chips[PORT] = Chip(S3_BARE)
    with pytest.raises(Problem, match="only frozen into the image"):
        make_tool(Wish(image=plain), case.helpers())
    assert chip(case).written == []
    assert chip(case).restarts == 1
    assert make_tool(Wish(image=plain, anyway=True), case.helpers()) == 0
    assert chip(case).written == [(plain, False)]
    assert case.orders == []
    assert case.tested == []
    assert "No tool is known to run with this image" in case.text


def test_what_is_no_micropython_is_written_only_when_told_to_and_nothing_follows(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(esp_file(application=esp_program(ESP32_S3, (b"another program",))))
    assert make_tool(Wish(image=path, anyway=True), case.helpers()) == 0
    assert case.asked == [f"Write other.bin (a program) to {PORT}?"]
    assert case.orders == []
    assert case.tested == []


def test_a_failed_self_test_is_the_exit_code_and_says_what_helps(case: Case, plain: Path) -> None:
    case.code = 1
    assert make_tool(Wish(image=plain), case.helpers()) == 1
    assert "iastm flash --demo" in case.text
    assert f"iastm run --port {PORT}" in case.text


def test_a_self_test_that_can_not_be_made_is_one_that_failed(case: Case, plain: Path) -> None:
    case.test_fails = Problem("The tool refuses: lift the tool.", "Then try again.")
    assert make_tool(Wish(image=plain), case.helpers()) == 1
    assert case.warned == ["It could not test itself. The tool refuses: lift the tool. Then try again."]
    assert f"iastm run --port {PORT}" in case.text


def test_an_interrupt_says_how_things_stand_by_where_it_came(case: Case, plain: Path) -> None:
    case.bench.chips[PORT] = Chip(S3_FEATHER, fails=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        make_tool(Wish(image=plain), case.helpers())
    (warned,) = case.warned
    assert "flashing again cures it" in warned
    assert case.orders == []


def test_a_bundle_brings_image_and_firmware(case: Case, plain: Path, tmp_path: Path) -> None:
    image = plain.rename(tmp_path / "ESP32_GENERIC_S3-FLASH_4M-20260824-v1.29.0.bin")
    release = Release("0.1.0", "0123456789abcdef", 6, 3, "xtensawin", {"iastm_firmware/app.mpy": b"M\x06\x03\x1f"})
    bundle = tmp_path / "bench.zip"
    write_bundle(bundle, Contents("0.1.0", b"# main.py\n", [release], [read_image(image)]))
    expected = image.read_bytes()
    image.unlink()
    taken: list[bytes] = []

    class Reading(Chip):
        def write(
            self, image: Image, chip: EspChip, progress: Callable[[int, int], None], *, erase: bool = False
        ) -> None:
            taken.append(image.path.read_bytes())
            super().write(image, chip, progress, erase=erase)

    case.bench.chips[PORT] = Reading(S3_FEATHER)
    assert make_tool(Wish(bundle=bundle), case.helpers()) == 0
    assert taken == [expected]
    assert case.orders == [(PORT, Order(bundle=bundle))]


def test_a_frozen_image_of_a_bundle_is_measured_by_the_sources_of_the_bundle(
    case: Case, frozen: Path, tmp_path: Path
) -> None:
    release = Release("0.0.9", "0123456789abcdef", 6, 3, "xtensawin", {"iastm_firmware/app.mpy": b"M\x06\x03\x1f"})
    bundle = tmp_path / "bench.zip"
    write_bundle(bundle, Contents("0.0.9", b"# main.py\n", [release], [read_image(frozen)]))
    assert make_tool(Wish(bundle=bundle), case.helpers()) == 0
    assert case.confirmed == ["0123456789abcdef"]


def test_the_board_that_was_named_is_deployed_and_a_file_of_pins_is_checked_first(
    case: Case, plain: Path, tmp_path: Path
) -> None:
    assert make_tool(Wish(image=plain, board="esp32_s3"), case.helpers()) == 0
    assert case.orders == [(PORT, Order("esp32_s3"))]
    case.orders.clear()
    board = tmp_path / "mine.py"
    board.write_text(OWN_BOARD)
    assert make_tool(Wish(image=plain, board=str(board)), case.helpers()) == 0
    assert case.orders == [(PORT, Order(str(board)))]
    board.write_text(OWN_BOARD.replace('"data": 4', '"data": 99'))
    case.asked.clear()
    with pytest.raises(Problem, match=r"mine\.py can't be a board"):
        make_tool(Wish(image=plain, board=str(board)), case.helpers())
    assert (case.asked, len(chip(case).written)) == ([], 2)


def test_a_file_of_pins_for_another_chip_is_refused_before_anything_is_written(
    case: Case, plain: Path, tmp_path: Path
) -> None:
    board = tmp_path / "mine.py"
    board.write_text(OWN_BOARD.replace("ESP32-S3", "ESP32-C3"))
    with pytest.raises(Problem, match=r"Wrong chip: .*an ESP32-C3, and this board has an ESP32-S3"):
        make_tool(Wish(image=plain, port=PORT, board=str(board)), case.helpers())
    assert chip(case).written == []


def test_frozen_firmware_gets_the_board_that_was_named_too(case: Case, frozen: Path, tmp_path: Path) -> None:
    prompt = case.bench.prompts[PORT]
    prompt.files["/board_name.txt"] = b"demo"
    assert make_tool(Wish(image=frozen, board="esp32_s3"), case.helpers()) == 0
    assert prompt.files["/board_name.txt"] == b"esp32_s3"
    board = tmp_path / "mine.py"
    board.write_text(OWN_BOARD)
    assert make_tool(Wish(image=frozen, board=str(board)), case.helpers()) == 0
    assert prompt.files["/board.py"] == board.read_bytes()


def test_a_board_that_was_a_demo_and_is_not_named_says_that_it_plays_still(case: Case, plain: Path) -> None:
    case.played = True
    assert make_tool(Wish(image=plain), case.helpers()) == 0
    (warned,) = case.warned
    assert "It is a demo board still" in warned
    assert f"iastm deploy --port {PORT} --board esp32_s3" in case.text
    assert case.tested == []


def test_a_release_in_the_boards_files_goes_first_and_is_put_out_of_force_only_once_a_person_agrees(
    case: Case, frozen: Path
) -> None:
    board = case.bench.prompts[PORT]
    board.files["/iastm_firmware/app.py"] = b""
    case.answers = [True, False]
    with pytest.raises(Problem, match="the tool runs the firmware in /iastm_firmware"):
        make_tool(Wish(image=frozen), case.helpers())
    assert "/iastm_firmware/app.py" in board.files
    assert case.confirmed == []
    case.answers = [True, True]
    assert make_tool(Wish(image=frozen), case.helpers()) == 0
    assert "/iastm_firmware/app.py" not in board.files
    assert case.confirmed == [source_hash()]


def test_a_file_system_that_would_lie_elsewhere_is_moved_only_by_erasing_and_with_what_is_lost_by_it(
    case: Case, plain: Path
) -> None:
    case.bench.prompts[PORT] = Prompt(S3_MACHINE, file_system=f"{2 << 20} {6 << 20}")
    with pytest.raises(
        Problem, match=r"lost then, calibration, key and log.*calibrate read.*Nothing was written"
    ) as raised:
        make_tool(Wish(image=plain), case.helpers())
    assert "--erase" in raised.value.fix
    assert chip(case).written == []
    assert make_tool(Wish(image=plain, erase=True), case.helpers()) == 0
    assert "iastm calibrate read" in case.asked[-1]
    case.bench.prompts[PORT] = Prompt(S3_MACHINE, file_system=f"{2 << 20} {2 << 20}")
    assert make_tool(Wish(image=plain), case.helpers()) == 0
    assert case.asked[-1] == f"Write plain.bin (MicroPython v1.29.0) to {PORT}?"


def test_an_image_with_another_machines_layout_says_what_may_be_lost_in_the_question(
    case: Case, tmp_path: Path
) -> None:
    path = tmp_path / "other.bin"
    application = esp_program(ESP32_S3, (BANNER + b"\0; Adafruit Feather ESP32S3 with ESP32S3\0",))
    path.write_bytes(esp_file(application=application))
    assert make_tool(Wish(image=path), case.helpers()) == 0
    assert "calibration, key and log" in case.asked[-1]
    assert "iastm calibrate read" in case.asked[-1]
    assert "for Adafruit Feather ESP32S3 with ESP32S3) to" in case.asked[-1]


def test_an_interrupt_before_anything_is_written_says_so(case: Case, plain: Path) -> None:
    class Interrupted(Chip):
        def identify(self) -> EspChip:
            raise KeyboardInterrupt

    case.bench.chips[PORT] = Interrupted(S3_FEATHER)
    with pytest.raises(KeyboardInterrupt):
        make_tool(Wish(image=plain), case.helpers())
    (warned,) = case.warned
    assert "Nothing was written" in warned


def test_an_interrupt_of_the_deploy_says_how_it_goes_on(case: Case, plain: Path) -> None:
    case.deploy_fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        make_tool(Wish(image=plain), case.helpers())
    assert case.warned == [f"Stopped. The image is on the board; the firmware follows with: iastm deploy --port {PORT}"]


def test_someone_elses_main_may_be_replaced_and_deploy_is_told_so(case: Case, plain: Path) -> None:
    case.bench.prompts[PORT] = Prompt(S3_MACHINE, main=b"import robot\n")
    with pytest.raises(Problem, match=r"somebody else's main\.py"):
        make_tool(Wish(image=plain), case.helpers())
    assert make_tool(Wish(image=plain, replace_main=True), case.helpers()) == 0
    assert case.orders == [(PORT, Order(None, None, replace_main=True))]


def test_a_pico_in_its_bootloader_is_named_by_a_person_and_by_nobody_who_agrees_to_all(
    case: Case, tmp_path: Path
) -> None:
    case.bench.pull(PORT)
    case.bench.show_drive(tmp_path / "RP2350", RP2350_INFO)
    board = tmp_path / "mine.py"
    board.write_text(OWN_BOARD.replace("ESP32-S3", "RP2350"))
    case.answers = [False, True, False]
    with pytest.raises(Problem, match=r"Nothing was downloaded"):
        make_tool(Wish(board=str(board)), case.helpers())
    assert case.asked[:2] == ["Is it a Raspberry Pi Pico 2 W?", "Is it a Raspberry Pi Pico 2, without a radio?"]
    assert "RPI_PICO2-" in case.asked[2]
    with pytest.raises(Problem, match="can't be told by its chip") as raised:
        make_tool(Wish(board=str(board)), replace(case.helpers(), know=None))
    assert "--board pico_2_w" in raised.value.fix
