"""A played chip with what tests of boards and start need beside it: how it wakes, and drivers that only take notes."""

# ruff: noqa: ARG002
# What is played has arguments of its own.

from iastm_simulated.played_chip import (
    ESP32,
    MODELS,
    RP2,
    Machine,
    Module,
    NeoPixel,
    Restarted,
    Slept,
    Stream,
    Times,
)

__all__ = [
    "ESP32",
    "MODELS",
    "RP2",
    "Esp32C3",
    "Esp32S3",
    "FakeAdc",
    "FakeImu",
    "Machine",
    "Module",
    "NeoPixel",
    "Restarted",
    "Slept",
    "Stream",
    "Times",
    "loader",
]


class Esp32S3:
    WAKEUP_ALL_LOW = False
    WAKEUP_ANY_HIGH = True

    def __init__(self, machine):
        self._log = machine.log

    def wake_on_ext0(self, pin, level):
        self._log.append(("ext0", pin.number, level))

    def wake_on_ext1(self, pins, level):
        self._log.append(("ext1", [pin.number for pin in pins], [pin.hold for pin in pins], level))

    def wake_on_gpio(self, pins, level):
        self._log.append(("gpio for light sleep",))


class Esp32C3:
    WAKEUP_ALL_LOW = False
    WAKEUP_ANY_HIGH = True

    def __init__(self, machine):
        self._log = machine.log

    def wake_on_gpio(self, pins, level):
        self._log.append(("gpio", [pin.number for pin in pins], level))


class FakeAdc:
    """A converter that notes how it was made; `fails` has `start` raise it."""

    fails = None
    made = None

    def __init__(self, *arguments, **settings):
        self.arguments = arguments
        self.settings = settings
        self.rate_mhz = settings["rate_hz"] * 1000
        self.trouble = ""
        self.counts = self.ticks = self.missed = 0
        self.log = []
        FakeAdc.made = self

    def start(self):
        self.log.append("start")
        if FakeAdc.fails is not None:
            raise FakeAdc.fails

    def stop(self):
        self.log.append("stop")

    def excitation_mv(self):
        return 3000

    def next_conversion(self):
        if FakeAdc.fails is not None:
            raise FakeAdc.fails
        return False


class FakeImu:
    rate_hz = 104
    fails = None

    def __init__(self, *arguments, **settings):
        self.arguments = arguments
        self.settings = settings
        self.log = []

    def start(self):
        self.log.append("start")
        if FakeImu.fails is not None:
            raise FakeImu.fails

    def wake_on_motion(self):
        self.log.append("armed")


def loader(machine, esp32=None, bluetooth=None, board=None, lacking=()):
    """Return a `load` as start.py has it; drivers are fakes. `board` is board.py, or what its import raises."""
    import sys

    drivers = {
        "nau7802": Module(NAU7802=FakeAdc),
        "hx711": Module(HX711=FakeAdc),
        "hx711_pio": Module(HX711Pio=FakeAdc),
        "ads1232": Module(ADS1232=FakeAdc),
        "ads1220": Module(ADS1220=FakeAdc),
        "lsm6ds": Module(LSM6DS=FakeImu),
        "bmi270": Module(BMI270=FakeImu),
    }

    def load(name):
        last = name.split(".")[-1]
        if name in lacking or last in lacking:
            raise ImportError(f"no module named '{name}'")
        if name == "board" and board is not None:
            if isinstance(board, BaseException):
                raise board
            return board
        if name == "esp32" and esp32 is not None:
            return esp32(machine)
        if name == "bluetooth" and bluetooth is not None:
            return bluetooth
        if name == "neopixel":
            return Module(NeoPixel=NeoPixel)
        if name.startswith("iastm_firmware.drivers."):
            return drivers[last]
        __import__(name)
        return sys.modules[name]

    return load
