"""A board put together from its wiring: what can't be started is told in `trouble`, and the rest works.

`chip` is a Chip of chip.py, `load` gives the module of a name (of drivers, or MicroPython's own) or raises ImportError.
"""

import errno
import io
import os
import sys

from iastm_firmware import trial
from iastm_firmware.boards import parts
from iastm_firmware.boards.base import BoardBase
from iastm_firmware.boards.battery import Divider, Gauge
from iastm_firmware.boards.outputs import ColourPins, Outputs, PlainLight, Ws2812
from iastm_firmware.journal import Journal
from iastm_firmware.power import percent_of
from iastm_firmware.signals import BLUE, TECHNICAL
from iastm_firmware.slots import FileStorage, KeyStore
from iastm_protocol import kinds
from iastm_protocol._compat import const
from iastm_protocol.messages import NO_EXPIRY, Calibration

_DRIVERS = "iastm_firmware.drivers."
# Until a chip whose supply was switched on answers: 20 ms of an LSM6DS are the longest.
_POWER_UP_MS = const(20)
FIRST_MINUTE_MS = 60000
_WATCHDOG_MS = const(8000)
_BUS_HZ = const(400000)
_BUS_TIMEOUT_US = const(10000)
_SPI_HZ = const(1000000)
_BACK_OFF_MS = const(500)
_LONGEST_DOUBLING = const(3)
_TROUBLE_BYTES = const(200)
_TEST_FILE = "test.tmp"
# More than littlefs has room for beside a file's name.
_TEST_BYTES = b"IASTM" * 100
_HALF_CLOCK_US = const(5)


def words_of(error):
    """Return what an error says, as a driver put it in words, or with its kind."""
    if isinstance(error, OSError) and len(error.args) > 1:
        return str(error.args[1])
    text = str(error)
    return "%s: %s" % (type(error).__name__, text) if text else type(error).__name__


class NoConverter:
    """Stands where a converter can't be: asking it raises OSError with `trouble`."""

    rate_mhz = 80000
    name = "none"
    counts = 0
    ticks = 0
    missed = 0
    voided = 0

    def __init__(self, trouble):
        self.trouble = trouble

    def next_conversion(self):
        """Raise OSError: there is no converter."""
        raise OSError(errno.ENODEV, self.trouble)

    def excitation_mv(self):
        """Return unknown, 0."""
        return 0

    def stop(self):
        """Do nothing: nothing runs."""


class ChipBoard(BoardBase):
    """What a chip and its file system give a board, with a converter that is not there; start.py sets its `stream`.

    Fails for good where `last_resort`: at the prompt, with the traceback; otherwise it restarts.
    """

    def __init__(self, chip, name, trouble="", bluetooth=None, failures=0, last_resort=False):
        self.chip = chip
        self.name = name
        self.serial_number = chip.serial_number
        self.ticks_us = chip.times.ticks_us
        self.reset_reason = chip.reset_reason
        self.adc = NoConverter(trouble)
        self.rate_mhz = self.adc.rate_mhz
        # Without a converter there is no force either.
        self.calibration = Calibration("none", bytes(32), 50.0, (0.0, 1e-5), NO_EXPIRY, 0)
        self.stream = None
        self._troubles = [trouble] if trouble else []
        self._bluetooth = bluetooth
        self._failures = failures
        self._last_resort = last_resort
        self._watchdog_ms = 0
        self._born_ms = chip.times.ticks_ms()
        self._young = True
        self._keys = KeyStore(FileStorage("", "key"))
        self.calibration_storage = FileStorage("", "calibration")
        self.settings_storage = FileStorage("", "settings")
        self.journal = self._try("the log", open_journal)

    @property
    def trouble(self):  # type: ignore[override]  # It passes as the converter comes back.
        """What is wrong with the board in words, "" where nothing is, in 200 bytes at most."""
        said = list(self._troubles)
        of_converter = getattr(self.adc, "trouble", "")
        if of_converter and of_converter not in said:
            said.append(of_converter)
        text = "; ".join(said)
        while len(text.encode()) > _TROUBLE_BYTES:
            text = text[:-1]
        return text

    def tell(self, words):
        """Add to what is wrong with the board; "" adds nothing."""
        if words:
            self._troubles.append(words)

    def links(self, tool):
        """Return the link over BLE, where this board has one and it can be started."""
        # The log knows by now which start this is.
        trial.tell(self.journal)
        if self._bluetooth is None:
            return []
        link = self._try("Bluetooth", lambda: self._ble_link(tool))
        return [] if link is None else [link]

    def load_key(self):
        """Return the key that was stored last, as KeyStore does."""
        return self._keys.load_key()

    def store_key(self, key):
        """Keep a key, as KeyStore does."""
        self._keys.store_key(key)

    def feed(self):
        """Feed the watchdog, which starts with the first time; a minute after the start it is a good one."""
        if self._watchdog_ms:
            self.chip.feed(self._watchdog_ms)
        times = self.chip.times
        if self._young and times.ticks_diff(times.ticks_ms(), self._born_ms) >= FIRST_MINUTE_MS:
            self._young = False
            self._failures = 0
            self.chip.mark.note(0, 0, False)

    def test_storage(self):
        """Return whether a small file that was written comes back."""
        try:
            try:
                with open(_TEST_FILE, "wb") as file:
                    file.write(_TEST_BYTES)
                with open(_TEST_FILE, "rb") as file:
                    came = file.read()
            finally:
                # Also what a full file system took of it.
                os.remove(_TEST_FILE)
        except OSError:
            return False
        return came == _TEST_BYTES

    def failed(self, error):
        """Keep the traceback in the log, wait the longer the more often in a row, and restart.

        A release that is on trial is given up.
        """
        for last in (lambda: self._log(error), lambda: self.outputs.set(TECHNICAL, BLUE, 0, False)):
            try:
                last()
            except Exception:
                pass  # Whatever is wrong with the log or the light: what ended stays no longer than it must.
        if trial.given_up(error):
            self.chip.restart(kinds.RESET_FAILURE)
        if self._last_resort:
            raise error
        restart_after_failure(self.chip, self._failures, self._young)

    def _log(self, error):
        log_failure(self.journal, error)

    def _ble_link(self, tool):
        from iastm_firmware.ble import BleLink

        return BleLink(tool, self._bluetooth)

    def _try(self, what, make):
        # Whatever is wrong with one part: the others work.
        try:
            return make()
        except Exception as error:
            self._troubles.append("%s: %s" % (what, words_of(error)))
            return None


def open_journal():
    """Return the log of this board's file system."""
    return Journal(FileStorage("", "log"))


def log_failure(journal, error):
    """Keep the traceback of what ended the firmware in the log, where there is one."""
    if journal is not None:
        journal.add("failed", traceback_of(error))


def traceback_of(error):
    """Return the traceback of an error as text."""
    file = io.StringIO()
    sys.print_exception(error, file)
    return file.getvalue()


def restart_after_failure(chip, failures, young):
    """Wait the longer the more often it failed in a row, then restart."""
    for _ in range(1 << min(failures, _LONGEST_DOUBLING)):
        if chip.watched:
            chip.feed(0)
        chip.times.sleep_ms(_BACK_OFF_MS)
    chip.restart(kinds.RESET_FAILURE, failures + 1, young)


class RealBoard(ChipBoard):
    """The board of a wiring that pins.py finds nothing wrong with."""

    def __init__(self, wiring, chip, load, bluetooth=None, failures=0):
        super().__init__(chip, wiring["name"], "", bluetooth, failures)
        self._load = load
        self._wiring = wiring
        self._i2c = None
        self._spi = None
        self._pin = chip.machine.Pin
        self._watchdog_ms = wiring.get("watchdog_ms", _WATCHDOG_MS)
        self.idle_s = wiring.get("idle_s", 0)
        self.ring_depth = wiring.get("ring_depth", self.ring_depth)
        cell = wiring["cell"]
        coefficients = tuple([float(each) for each in cell["coefficients"]])
        self.calibration = Calibration(cell["id"], bytes(32), float(cell["capacity_n"]), coefficients, NO_EXPIRY, 0)
        # First: a pin that drives a motor floats until then.
        self.outputs = self._outputs()
        power = wiring.get("power", ())
        for number in power:
            self._out(number, 1)
        if power:
            chip.times.sleep_ms(_POWER_UP_MS)
        if wiring.get("i2c") is not None:
            self._i2c = self._try("I2C", self._make_i2c)
        if wiring.get("spi") is not None:
            self._spi = self._try("SPI", self._make_spi)
        self._button = None
        if wiring.get("button") is not None:
            self._button = self._try("the button", lambda: chip.button(wiring["button"]))
        self._battery = None
        if wiring.get("battery") is not None:
            self._battery = self._try("the battery", self._make_battery)
        if wiring.get("imu") is not None:
            self.imu = self._try("the motion sensor", self._make_imu)
            self.imu_axes = tuple(wiring["imu"].get("axes", self.imu_axes))
            self.imu_tip_mm = wiring["imu"].get("tip_mm")
        self._start_adc()

    def battery_mv(self):
        """Return the battery's millivolts, 0 where it is not measured or can't be."""
        if self._battery is None:
            return 0
        try:
            return self._battery.millivolts()
        except OSError:
            return 0

    def battery_percent(self):
        """Return the battery's charge, 255 where unknown."""
        return percent_of(self.battery_mv())

    def excitation_mv(self):
        """Return what the converter gives its bridge, 0 unknown."""
        return self.adc.excitation_mv()

    def button(self):
        """Return whether the button, which pulls its pin down, is pressed."""
        return self._button is not None and not self._button()

    def sleep(self):
        """Sleep until button or motion, then start anew; return at once where neither can wake it."""
        low = [] if self._button is None else [self._wiring["button"]]
        high: "list" = []
        if self.imu is not None and self._wiring["imu"].get("interrupt") is not None:
            try:
                self.imu.wake_on_motion()
                high.append(self._wiring["imu"]["interrupt"])
            except OSError:
                pass  # Then the button alone wakes it.
        if not low and not high:
            return
        for quiet in (lambda: self.outputs.set(0, 0, 0, False), self.adc.stop, self._radio_off):
            try:
                quiet()
            except Exception:
                pass  # It costs current, and must not keep the rest awake.
        if not high:
            for number in self._wiring.get("power", ()):
                self._out(number)
        self.chip.sleep(low, high)

    def _radio_off(self):
        if self._bluetooth is not None:
            self._bluetooth.BLE().active(False)

    def _out(self, number, value=0):
        return self._pin(number, self._pin.OUT, value=value)

    def _in(self, number):
        return self._pin(number, self._pin.IN)

    def _outputs(self):
        wiring = self._wiring
        light = buzzer = motor = None
        if wiring.get("motor") is not None:
            motor = self._try("the motor", lambda: self._out(wiring["motor"]))
        if wiring.get("buzzer") is not None:
            buzzer = self._try("the buzzer", self._make_buzzer)
        if wiring.get("light") is not None:
            light = self._try("the light", self._make_light)
        return Outputs(light, buzzer, motor)

    def _make_buzzer(self):
        return self.chip.machine.PWM(self._pin(self._wiring["buzzer"]), freq=2000, duty_u16=0)

    def _make_light(self):
        light = self._wiring["light"]
        on = light.get("on", 1)
        if light["kind"] == "LED":
            return PlainLight(self._out(light["pin"], 1 - on), on)
        if light["kind"] == "RGB":
            return ColourPins([self._out(light[name], 1 - on) for name in parts.LIGHTS["RGB"]], on)
        return Ws2812(self._load("neopixel").NeoPixel(self._out(light["pin"]), 1))

    def _make_i2c(self):
        bus = self._wiring["i2c"]
        pin = self._pin
        # Where that fails the bus is made all the same: who holds it may let go later, and drivers ask again.
        self._try("I2C", lambda: free_bus(pin, self.chip.times, bus["sda"], bus["scl"]))
        return self.chip.machine.I2C(
            bus["id"], sda=pin(bus["sda"]), scl=pin(bus["scl"]), freq=bus.get("hz", _BUS_HZ), timeout=_BUS_TIMEOUT_US
        )

    def _make_spi(self):
        bus = self._wiring["spi"]
        pin = self._pin
        # ADS1220 data sheet, 8.5.1: mode 1.
        return self.chip.machine.SPI(
            bus["id"],
            baudrate=bus.get("hz", _SPI_HZ),
            polarity=0,
            phase=1,
            sck=pin(bus["sck"]),
            mosi=pin(bus["mosi"]),
            miso=pin(bus["miso"]),
        )

    def _make_battery(self):
        battery = self._wiring["battery"]
        if battery["kind"] == "divider":
            return Divider(self.chip.battery_adc(battery["pin"]), battery["ratio"])
        made = Gauge(self._bus("i2c"))
        made.millivolts()
        return made

    def _make_imu(self):
        imu = self._wiring["imu"]
        times = self.chip.times
        kind = getattr(self._load(_DRIVERS + parts.MOTION_SENSORS[imu["driver"]]), imu["driver"])
        settings = {}
        if imu.get("address") is not None:
            settings["address"] = imu["address"]
        if imu["driver"] == "BMI270":
            made = kind(self._bus("i2c"), times, imu["config"], **settings)
        else:
            made = kind(self._bus("i2c"), times, **settings)
        if imu.get("interrupt") is not None:
            self._in(imu["interrupt"])
        # Where it does not answer now it is asked again: see motion.py.
        self._try("the motion sensor", made.start)
        return made

    def _start_adc(self):
        made = self._try("the converter", self._make_adc)
        adc = self._wiring["adc"]
        if made is None:
            self.adc = NoConverter(self._troubles[-1])
            self.rate_mhz = adc["rate_hz"] * 1000
            return
        self.adc = made
        self.simulated = getattr(made, "simulated", False)
        # Where nothing hangs on the cell, its zero is known.
        self.zero_confirmed = self.simulated
        self.rate_mhz = getattr(made, "rate_mhz", adc["rate_hz"] * 1000)
        try:
            made.start()
        except Exception as error:
            # Its driver goes on trying, and says in `trouble` what is wrong for as long as it is.
            if not getattr(made, "trouble", "") or not isinstance(error, OSError):
                self._troubles.append("the converter: " + words_of(error))

    def _make_adc(self):
        adc = self._wiring["adc"]
        machine = self.chip.machine
        times = self.chip.times
        if callable(adc["driver"]):
            return adc["driver"](machine, times)
        name = adc["driver"]
        part = parts.CONVERTERS[name]
        kind = getattr(self._load(_DRIVERS + part.module), part.name)
        settings = {option: adc[option] for option in part.options if option in adc}
        settings["rate_hz"] = adc["rate_hz"]
        if name == "NAU7802":
            ready = None if adc.get("ready") is None else self._in(adc["ready"])
            return kind(self._bus("i2c"), times, ready, **settings)
        if self.chip.hard_interrupts and name != "HX711_PIO":
            # No other part is on their wires, so that an interrupt never finds them in use.
            settings["hard"] = True
        if name == "ADS1220":
            return kind(self._bus("spi"), self._out(adc["select"], 1), self._in(adc["ready"]), times, **settings)
        data = self._in(adc["data"])
        clock = self._out(adc["clock"])
        if name == "ADS1232":
            return kind(data, clock, self._out(adc["power_down"]), times, **settings)
        if name == "HX711_PIO":
            return kind(adc.get("state_machine", 0), data, clock, times, **settings)
        return kind(data, clock, times, irq_off=machine.disable_irq, irq_on=machine.enable_irq, **settings)

    def _bus(self, name):
        bus = self._i2c if name == "i2c" else self._spi
        if bus is None:
            raise OSError(errno.ENODEV, "its bus could not be started")
        return bus


def free_bus(pin, times, sda, scl):
    """Have a chip that holds the data line of an I²C bus let go of it: up to nine clocks, then a STOP.

    NXP UM10204, 3.1.16. Raises OSError where a line stays low.
    """
    data = pin(sda, pin.OPEN_DRAIN, pin.PULL_UP, value=1)
    clock = pin(scl, pin.OPEN_DRAIN, pin.PULL_UP, value=1)
    times.sleep_us(_HALF_CLOCK_US)
    if not clock():
        raise OSError(errno.ETIMEDOUT, "the clock line, pin %d, is held low" % scl)
    if data():
        return
    for _ in range(9):
        clock(0)
        times.sleep_us(_HALF_CLOCK_US)
        clock(1)
        times.sleep_us(_HALF_CLOCK_US)
        if data():
            break
    else:
        raise OSError(errno.ETIMEDOUT, "the data line, pin %d, is held low" % sda)
    clock(0)
    data(0)
    times.sleep_us(_HALF_CLOCK_US)
    clock(1)
    times.sleep_us(_HALF_CLOCK_US)
    data(1)
    times.sleep_us(_HALF_CLOCK_US)
