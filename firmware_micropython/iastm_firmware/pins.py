"""Checks a wiring before a pin is touched: what is wrong is said in words, all of it at once.

The facts are those of the data sheets: ESP32-S3 (2.3 pins, 3 strapping), ESP32-C3 (likewise), RP2040 and RP2350 (1.4
pins and functions); which pins a Pico W's radio has, of its data sheet. Nothing of it was tried on hardware.
"""

from collections import namedtuple

from iastm_firmware.boards import parts

_FLASH = "the flash"
_USB = "the USB port"
_RADIO = "the radio"
_BOOT = "how the chip starts"
# A converter that nobody hears ready is asked between two frames, which take some milliseconds each.
_MOST_POLLED_HZ = 80


class Chip(
    namedtuple(
        "Chip",
        (
            "port",
            "pins",
            "taken",
            "input_only",
            "straps",
            "analog",
            "i2c",
            "spi",
            "fixed_buses",
            "pio",
            "longest_watch_ms",
        ),
    )
):
    """What a chip can do with its pins.

    `taken` and `straps` map a pin to what has it, and to what it decides at reset; `analog` are pins of a converter
    that no radio takes; `i2c` and `spi` are the numbers of its buses, `fixed_buses` where each has its own pins.
    """


def _range(*spans):
    pins: "list" = []
    for first, last in spans:
        pins.extend(range(first, last + 1))
    return tuple(pins)


def _taken(why, *spans):
    return dict.fromkeys(_range(*spans), why)


def _both(one, other):
    made = dict(one)
    made.update(other)
    return made


_S3 = Chip(
    "esp32",
    _range((0, 21), (26, 48)),
    _both(_taken(_FLASH, (26, 32)), _taken(_USB, (19, 20))),
    (),
    {0: _BOOT, 3: "where JTAG is", 45: "the flash's voltage", 46: _BOOT},
    _range((1, 10)),
    (0, 1),
    (1, 2),
    False,
    False,
    60000,
)
_RP = Chip(
    "rp2",
    _range((0, 28)),
    _taken(_RADIO, (23, 25)),
    (),
    {},
    (26, 27, 28),
    (0, 1),
    (0, 1),
    True,
    True,
    8388,
)

CHIPS = {
    "ESP32-S3": _S3,
    # With eight-line PSRAM or flash (modules ending in R8 or R16V), which has five pins more.
    "ESP32-S3 octal": Chip(*(_S3[:2] + (_both(_S3.taken, _taken(_FLASH, (33, 37))),) + _S3[3:])),
    "ESP32-C3": Chip(
        "esp32",
        _range((0, 21)),
        _both(_taken(_FLASH, (11, 17)), _taken(_USB, (18, 19))),
        (),
        {2: _BOOT, 8: _BOOT, 9: _BOOT},
        _range((0, 4)),
        (0,),
        (1,),
        False,
        False,
        60000,
    ),
    "RP2040": _RP,
    "RP2350": _RP,
}

_REQUIRED = ("name", "chip", "adc", "cell")
_OPTIONAL = ("i2c", "spi", "imu", "light", "buzzer", "motor", "button", "battery") + (
    "power",
    "strapping",
    "bluetooth",
    "idle_s",
    "watchdog_ms",
    "ring_depth",
)
_LEAST_WATCH_MS = 2000
_LONGEST_NAME = 40


def faults_of(wiring, running="", chips=CHIPS):
    """Return what is wrong with a wiring (see docs/boards.md), as a list of words; empty where nothing is.

    `running` is the name of the chip that this runs on, as in CHIPS, "" where it is not known.
    """
    check = _Check(chips)
    check.all(wiring, running)
    return check.faults


def _is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value):
    # What is infinite, or no number, differs from itself by more than nothing.
    return _is_whole(value) or (isinstance(value, float) and value - value == 0)


def _is_right_hand(axes):
    # An odd permutation, or an odd number of signs, is a left hand; both together are not.
    if not isinstance(axes, (tuple, list)) or not all(_is_whole(axis) for axis in axes):
        return False
    if sorted([abs(axis) for axis in axes]) != [1, 2, 3]:
        return False
    a, b, c = [abs(axis) for axis in axes]
    odd = (a > b) + (a > c) + (b > c) + len([axis for axis in axes if axis < 0])
    return odd % 2 == 0


class _Check:
    def __init__(self, chips):
        self.faults = []
        self._chips = chips
        self._chip = None
        self._used = {}
        self._strapping: "tuple" = ()

    def all(self, wiring, running):
        if not isinstance(wiring, dict):
            self._say("WIRING must be a table {…}, and is %s" % _kind(wiring))
            return
        self._names("WIRING", wiring, _REQUIRED, _OPTIONAL)
        self._the_chip(wiring, running)
        if self._chip is None:
            return
        self._text("name", wiring.get("name", "-"), _LONGEST_NAME)
        self._the_strapping(wiring.get("strapping", ()))
        self._buses(wiring)
        if "adc" in wiring:
            self._adc(wiring)
        if "cell" in wiring:
            self._cell(wiring["cell"])
        self._imu(wiring)
        self._light(wiring.get("light"))
        for part in ("buzzer", "motor"):
            if wiring.get(part) is not None:
                self._pin(part, wiring[part])
        if wiring.get("button") is not None:
            self._pin("button", wiring["button"], output=False)
        self._battery(wiring)
        self._power(wiring.get("power", ()))
        self._whole("idle_s", wiring.get("idle_s", 0), 0, 86400)
        self._whole("ring_depth", wiring.get("ring_depth", 1), 1, 1000000)
        # 0: none.
        if wiring.get("watchdog_ms", 0) != 0:
            self._whole("watchdog_ms", wiring["watchdog_ms"], _LEAST_WATCH_MS, self._chip.longest_watch_ms)
        if not isinstance(wiring.get("bluetooth", True), bool):
            self._say("bluetooth must be True or False")

    def _say(self, words):
        self.faults.append(words)

    def _names(self, what, table, required, optional):
        # A name that nobody reads is a part that silently is not there.
        for name in required:
            if name not in table:
                self._say("%s lacks %r" % (what, name))
        for name in sorted(table, key=str):
            if name not in required and name not in optional:
                known = ", ".join(sorted(required + tuple(optional)))
                self._say("%s: nothing is called %r; known: %s" % (what, name, known))

    def _table(self, part, value):
        if isinstance(value, dict):
            return True
        self._say("%s must be a table {…}, and is %s" % (part, _kind(value)))
        return False

    def _text(self, what, value, longest):
        if not isinstance(value, str) or not 0 < len(value.encode()) <= longest:
            self._say("%s must be a text of 1 to %d bytes" % (what, longest))

    def _whole(self, what, value, low, high):
        if not _is_whole(value) or not low <= value <= high:
            self._say("%s must be a whole number, %d to %d, and is %r" % (what, low, high, value))
            return False
        return True

    def _one_of(self, what, value, choices):
        try:
            if value in choices and not isinstance(value, bool):
                return True
        except TypeError:
            pass  # What can't be looked up is none of them.
        self._say("%s can't be %r; it is one of %s" % (what, value, ", ".join([str(each) for each in choices])))
        return False

    def _the_chip(self, wiring, running):
        name = wiring.get("chip")
        if "chip" not in wiring or not self._one_of("chip", name, sorted(self._chips)):
            return
        if running and name.split()[0] != running:
            self._say("the wiring is one for %s, and this is %s" % (name, running))
        self._chip = self._chips[name]

    def _the_strapping(self, pins):
        if not isinstance(pins, (tuple, list)):
            self._say("strapping must be a tuple of pins, as (0,), and is %s" % _kind(pins))
            return
        for pin in pins:
            if pin not in self._chip.straps:
                self._say("strapping: pin %r decides nothing at reset" % (pin,))
        self._strapping = tuple(pins)

    def _pin(self, part, pin, output=True):
        chip = self._chip
        if pin == "LED":
            # What MicroPython calls so hangs on the radio of a Pico W: a light, and nothing else.
            if part != "light":
                self._say("%s: only a light can be at pin 'LED'" % part)
            return
        if not _is_whole(pin):
            self._say("%s: a pin is a number, not %s" % (part, _kind(pin)))
            return
        if pin not in chip.pins:
            self._say("%s: there is no pin %d" % (part, pin))
            return
        if pin in chip.taken:
            self._say("%s: pin %d belongs to %s" % (part, pin, chip.taken[pin]))
        if output and pin in chip.input_only:
            self._say("%s: pin %d is an input only" % (part, pin))
        if pin in chip.straps and pin not in self._strapping:
            words = "%s: pin %d decides %s at reset; where the board's maker wired it so, list it in 'strapping'"
            self._say(words % (part, pin, chip.straps[pin]))
        if pin in self._used:
            self._say("pin %d is used twice: %s and %s" % (pin, self._used[pin], part))
        self._used[pin] = part

    def _buses(self, wiring):
        for bus, names in (("i2c", ("sda", "scl")), ("spi", ("sck", "mosi", "miso"))):
            table = wiring.get(bus)
            if table is None or not self._table(bus, table):
                continue
            self._names(bus, table, ("id",) + names, ("hz",))
            numbers = self._chip.i2c if bus == "i2c" else self._chip.spi
            known = "id" in table and self._one_of(bus + " id", table["id"], numbers)
            for name in names:
                if name in table:
                    self._pin("%s %s" % (bus, name), table[name])
                    if known and self._chip.fixed_buses and _is_whole(table[name]):
                        self._fixed(bus, table["id"], name, table[name])
            self._whole(bus + " hz", table.get("hz", 400000), 10000, 1000000 if bus == "i2c" else 10000000)

    def _fixed(self, bus, number, name, pin):
        # RP2040 and RP2350, GPIO functions: they repeat every four pins, the number of an SPI bus every sixteen.
        if bus == "i2c":
            fits = pin % 4 == 2 * number + (name == "scl")
        else:
            fits = pin // 8 % 2 == number and pin % 4 == {"miso": 0, "sck": 2, "mosi": 3}[name]
        if not fits:
            self._say("%s %s: pin %d is none of bus %d" % (bus, name, pin, number))

    def _adc(self, wiring):
        adc = wiring["adc"]
        if not self._table("adc", adc):
            return
        driver = adc.get("driver")
        if "driver" not in adc:
            self._say("adc lacks 'driver'")
        elif callable(driver):
            self._own_adc(adc)
        elif self._one_of("adc driver", driver, sorted(parts.CONVERTERS)):
            self._known_adc(wiring, adc, parts.CONVERTERS[driver])

    def _own_adc(self, adc):
        pins = adc.get("pins", ())
        if "rate_hz" not in adc:
            self._say("adc lacks 'rate_hz'")
        else:
            self._whole("adc rate_hz", adc["rate_hz"], 1, 2000)
        if not isinstance(pins, (tuple, list)):
            self._say("adc pins must be a tuple of pins, as (9,), and is %s" % _kind(pins))
            return
        for pin in pins:
            self._pin("adc", pin)

    def _known_adc(self, wiring, adc, part):
        driver = adc["driver"]
        optional = part.spare_pins + tuple(part.options) + (("state_machine",) if part.pio else ())
        self._names("adc", adc, ("driver", "rate_hz") + part.pins, optional)
        if part.pio and not self._chip.pio:
            self._say("adc: %s needs the PIO of an RP2040 or RP2350; take HX711" % driver)
        if part.bus and wiring.get(part.bus) is None:
            self._say("adc: %s needs %r, and WIRING has none" % (driver, part.bus))
        for name in part.pins + part.spare_pins:
            if name in part.pins and name not in adc:
                continue
            if adc.get(name) is not None or name in part.pins:
                self._pin("adc " + name, adc[name], output=name in ("clock", "select", "power_down"))
        if "rate_hz" in adc and (not _is_whole(adc["rate_hz"]) or adc["rate_hz"] not in part.rates_hz):
            rates = ", ".join([str(rate) for rate in part.rates_hz])
            self._say("adc: %s can't make %r conversions per second; it makes %s" % (driver, adc["rate_hz"], rates))
        elif part.spare_pins and adc.get("rate_hz", 0) > _MOST_POLLED_HZ and adc.get(part.spare_pins[0]) is None:
            name = part.spare_pins[0]
            self._say(
                "adc: %s at %d/s needs its %r pin (DRDY) wired: without it a frame that is sent may cost a "
                "conversion; wire it, or take %d/s" % (driver, adc["rate_hz"], name, _MOST_POLLED_HZ)
            )
        for name in sorted(part.options):
            if name in adc:
                if part.options[name] is None:
                    self._whole("adc " + name, adc[name], 0x08, 0x77)
                else:
                    self._one_of("adc " + name, adc[name], part.options[name])
        if part.pio:
            # The radio of a Pico W has one of the other block.
            self._whole("adc state_machine", adc.get("state_machine", 0), 0, 3)

    def _cell(self, cell):
        if not self._table("cell", cell):
            return
        self._names("cell", cell, ("id", "capacity_n", "coefficients"), ())
        self._text("cell id", cell.get("id", "-"), 64)
        capacity_n = cell.get("capacity_n", 1)
        if not _is_number(capacity_n) or not 0 < capacity_n <= 10000:
            self._say("cell capacity_n must be above 0, up to 10000, and is %r" % (capacity_n,))
        coefficients = cell.get("coefficients", (0.0, 1.0))
        fits = isinstance(coefficients, (tuple, list)) and 2 <= len(coefficients) <= 4
        if not fits or not all(_is_number(each) for each in coefficients) or not coefficients[1]:
            self._say("cell coefficients must be 2 to 4 numbers, newtons by counts, the second not 0")

    def _imu(self, wiring):
        imu = wiring.get("imu")
        if imu is None or not self._table("imu", imu):
            return
        self._names("imu", imu, ("driver",), ("interrupt", "address", "config", "axes", "tip_mm"))
        known = "driver" in imu and self._one_of("imu driver", imu["driver"], sorted(parts.MOTION_SENSORS))
        if wiring.get("i2c") is None:
            self._say("imu needs 'i2c', and WIRING has none")
        if imu.get("address") is not None:
            self._whole("imu address", imu["address"], 0x08, 0x77)
        if imu.get("interrupt") is not None:
            self._pin("imu interrupt", imu["interrupt"], output=False)
        if "axes" in imu and not _is_right_hand(imu["axes"]):
            self._say("imu axes must be 1, 2 and 3, each once and with its sign, right-handed: not %r" % (imu["axes"],))
        if imu.get("tip_mm") is not None:
            self._whole("imu tip_mm", imu["tip_mm"], 0, 1000)
        if known and imu["driver"] == "BMI270" and not isinstance(imu.get("config"), str):
            self._say("imu: BMI270 needs 'config', the name of a file with its maker's configuration")

    def _light(self, light):
        if light is None or not self._table("light", light):
            return
        if "kind" not in light:
            self._say("light lacks 'kind'")
        elif self._one_of("light kind", light["kind"], sorted(parts.LIGHTS)):
            pins = parts.LIGHTS[light["kind"]]
            plain = light["kind"] != "WS2812"
            self._names("light", light, ("kind",) + pins, ("on",) if plain else ())
            for name in pins:
                if name in light:
                    self._pin("light", light[name])
                    if light[name] == "LED" and (light["kind"] != "LED" or self._chip.port != "rp2"):
                        self._say("light: there is no pin 'LED' for it")
            if plain:
                self._one_of("light on", light.get("on", 1), (0, 1))

    def _battery(self, wiring):
        battery = wiring.get("battery")
        if battery is None or not self._table("battery", battery):
            return
        if "kind" not in battery:
            self._say("battery lacks 'kind'")
        elif self._one_of("battery kind", battery["kind"], parts.BATTERIES):
            if battery["kind"] == "MAX17048":
                self._names("battery", battery, ("kind",), ())
                if wiring.get("i2c") is None:
                    self._say("battery: MAX17048 needs 'i2c', and WIRING has none")
                return
            self._names("battery", battery, ("kind", "pin", "ratio"), ())
            if "pin" in battery:
                self._pin("battery", battery["pin"], output=False)
                if _is_whole(battery["pin"]) and battery["pin"] not in self._chip.analog:
                    pins = ", ".join([str(pin) for pin in self._chip.analog])
                    self._say("battery: pin %d measures no voltage; %s do" % (battery["pin"], pins))
            ratio = battery.get("ratio", 2)
            if not _is_number(ratio) or not 1 <= ratio <= 20:
                self._say("battery ratio must be 1 to 20, battery voltage by pin voltage, and is %r" % (ratio,))

    def _power(self, pins):
        if not isinstance(pins, (tuple, list)):
            self._say("power must be a tuple of pins, as (7,), and is %s" % _kind(pins))
            return
        for pin in pins:
            self._pin("power", pin)


def _kind(value):
    return "%s %r" % (type(value).__name__, value)
