"""Checks of the chips and wires themselves: they do what the data sheets say, and object to what these forbid."""

from tests.firmware.models.ads1220_chip import Ads1220Chip
from tests.firmware.models.ads1232_chip import Ads1232Chip
from tests.firmware.models.bench import run
from tests.firmware.models.hx711_chip import Hx711Chip
from tests.firmware.models.nau7802_chip import Nau7802Chip
from tests.firmware.models.truth import value_of
from tests.firmware.models.wire import I2C, SPI, Interruption, Pin, Time, World


def clocked(chip, pulses, world=None, high_ns=0):
    """Clock the data pin; return the bits that it showed."""
    value = 0
    for _ in range(pulses):
        chip.clock(1)
        value = value << 1 | chip.data()
        if world is not None:
            world.advance(high_ns)
        chip.clock(0)
    return value


def signed(value):
    """Return 24 bits with their sign."""
    return value - 0x1000000 if value & 0x800000 else value


def wait_low(world, pin, longest_ms=1000):
    """Wait until a pin is low; return the milliseconds that it took."""
    start_ns = world.now_ns
    while pin() and world.now_ns - start_ns < longest_ms * 1_000_000:
        world.advance(10_000)
    return (world.now_ns - start_ns) / 1_000_000


def check_time_passes_by_what_is_done():
    world = World(1000)
    time = Time(world)
    pin = Pin(world, 0)
    assert time.ticks_us() == 1001
    pin(1)
    pin()
    assert time.ticks_us() == 1004
    time.sleep_ms(20)
    assert time.ticks_diff(time.ticks_us(), 1004) == 20_001
    assert time.ticks_diff(5, 0x3FFFFFFF) == 6


class Alarm:
    """A part that drives a pin low at a time."""

    def __init__(self, world, pin, at_ns):
        self.next_ns = at_ns
        self._pin = pin
        world.add(self)

    def happen(self):
        self.next_ns = 1 << 60
        self._pin.drive(0)


def check_an_edge_interrupts_what_runs():
    world = World()
    pin = Pin(world, 1)
    came_ns = [0, 0]

    def handler(which):
        came_ns[0] = world.now_ns
        world.advance(100_000)

    pin.irq(handler, Pin.IRQ_FALLING)
    Alarm(world, pin, 5_000_000)
    world.advance(10_000_000 - world.now_ns)
    assert came_ns[0] == 5_010_000
    # What was interrupted went on later.
    assert world.now_ns == 10_110_000


def check_an_edge_waits_while_interrupts_are_off():
    world = World()
    pin = Pin(world, 1)
    came_ns = [0]

    def handler(which):
        came_ns[0] = world.now_ns

    pin.irq(handler, Pin.IRQ_FALLING)
    Alarm(world, pin, 5_000_000)
    state = world.disable_irq()
    world.advance(10_000_000)
    assert came_ns[0] == 0
    Interruption(world, 1_000_000, 70_000)
    world.advance(1_500_000)
    world.enable_irq(state)
    assert came_ns[0] > 11_570_000
    assert world.longest_off_ns >= 10_000_000


def check_a_handler_that_takes_memory_fails():
    world = World()
    pin = Pin(world, 1)
    kept = []

    def handler(which):
        kept.append(bytearray(100))

    pin.irq(handler, Pin.IRQ_FALLING)
    Alarm(world, pin, 1000)
    try:
        world.advance(5_000_000)
    except MemoryError:
        return
    raise AssertionError("took memory")


def check_the_hx711_settles_and_shifts():
    world = World()
    chip = Hx711Chip(world)
    took_ms = wait_low(world, chip.data)
    assert 49.9 < took_ms < 50.2, took_ms
    assert signed(clocked(chip, 25) >> 1) == value_of(0)
    assert chip.data()
    took_ms = wait_low(world, chip.data)
    assert 12.0 < took_ms < 12.6, took_ms
    # Never read: the next one takes its place.
    world.advance(13_000_000)
    assert signed(clocked(chip, 25) >> 1) == value_of(2)
    # Another gain settles anew.
    wait_low(world, chip.data)
    clocked(chip, 27)
    took_ms = wait_low(world, chip.data)
    assert took_ms > 60, took_ms
    assert not world.broken


def check_the_hx711_powers_down():
    for high_ns, resets in ((45_000, 1), (65_000, 2)):
        world = World()
        chip = Hx711Chip(world)
        wait_low(world, chip.data)
        clocked(chip, 1, world, high_ns)
        assert chip.resets == resets, high_ns


def check_the_hx711_objects():
    world = World()
    chip = Hx711Chip(world)
    clocked(chip, 1)
    assert world.broken == 1
    wait_low(world, chip.data)
    clocked(chip, 28)
    assert world.broken == 2


def check_the_ads1232_calibrates():
    world = World()
    chip = Ads1232Chip(world)
    for level, span_ns in ((0, 20_000), (1, 100_000), (0, 30_000), (1, 0)):
        chip.power_down(level)
        world.advance(span_ns)
    took_ms = wait_low(world, chip.data)
    assert 50.9 < took_ms < 51.1, took_ms
    assert signed(clocked(chip, 24)) != value_of(0)
    clocked(chip, 2)
    took_ms = wait_low(world, chip.data)
    assert 101.2 < took_ms < 101.4, took_ms
    assert signed(clocked(chip, 25) >> 1) == value_of(1)
    assert not world.broken


def check_the_ads1232_objects():
    world = World()
    chip = Ads1232Chip(world)
    clocked(chip, 1)
    assert world.broken == 1
    world.advance(20_000)
    chip.power_down(1)
    world.advance(100_000)
    chip.power_down(0)
    world.advance(10_000)
    chip.power_down(1)
    assert world.broken == 2
    clocked(chip, 1)
    assert world.broken == 3


def check_the_nau7802_starts_as_told():
    world = World()
    chip = Nau7802Chip(world)
    bus = I2C(world, chip)
    assert bus.scan() == [0x2A]
    bus.writeto_mem(0x2A, 0, b"\x01")
    bus.writeto_mem(0x2A, 0, b"\x86")
    assert not bus.readfrom_mem(0x2A, 0, 1)[0] & 0x08
    world.advance(300_000)
    assert bus.readfrom_mem(0x2A, 0, 1)[0] & 0x08
    for register, value in ((1, 0x2F), (0x15, 0x30), (0x1C, 0x80), (2, 0x70)):
        bus.writeto_mem(0x2A, register, bytes([value]))
    bus.writeto_mem(0x2A, 2, b"\x74")
    world.advance(300_000_000)
    assert bus.readfrom_mem(0x2A, 2, 1)[0] & 0x04
    world.advance(50_000_000)
    assert bus.readfrom_mem(0x2A, 2, 1) == b"\x70"
    bus.writeto_mem(0x2A, 0, b"\x96")
    world.advance(12_600_000)
    assert chip.ready()
    assert bus.readfrom_mem(0x2A, 0, 1)[0] & 0x20
    assert signed(int.from_bytes(bus.readfrom_mem(0x2A, 0x12, 3), "big")) == value_of(0)
    assert not chip.ready()
    assert not bus.readfrom_mem(0x2A, 0, 1)[0] & 0x20
    assert not world.broken


def check_the_nau7802_objects():
    world = World()
    chip = Nau7802Chip(world)
    bus = I2C(world, chip)
    bus.writeto_mem(0x2A, 1, b"\x2f")
    assert world.broken == 1
    bus.writeto_mem(0x2A, 0, b"\x02")
    world.advance(1_000_000)
    bus.writeto_mem(0x2A, 2, b"\x74")
    assert world.broken == 2
    bus.writeto_mem(0x2A, 1, b"\x2f")
    assert world.broken == 3
    for address, stuck, number in ((0x2B, False, 19), (0x2A, True, 110)):
        bus.stuck = stuck
        told = 0
        try:
            bus.readfrom_mem(address, 0, 1)
        except OSError as error:
            told = error.args[0]
        assert told == number


def exchanged(chip, bus, out):
    """Exchange bytes with CS low."""
    into = bytearray(len(out))
    chip.select(0)
    bus.write_readinto(out, into)
    chip.select(1)
    return bytes(into)


def check_the_ads1220_converts_as_told():
    world = World()
    chip = Ads1220Chip(world)
    bus = SPI(world, chip)
    world.advance(100_000)
    exchanged(chip, bus, b"\x06")
    world.advance(60_000)
    exchanged(chip, bus, b"\x43\x3e\x84\x88\x00")
    assert exchanged(chip, bus, b"\x23\x00\x00\x00\x00")[1:] == b"\x3e\x84\x88\x00"
    exchanged(chip, bus, b"\x08")
    took_ms = wait_low(world, chip.ready)
    assert 3.04 < took_ms < 3.12, took_ms
    assert signed(int.from_bytes(exchanged(chip, bus, bytes(3)), "big")) == value_of(0)
    assert chip.ready()
    took_ms = wait_low(world, chip.ready)
    assert signed(int.from_bytes(exchanged(chip, bus, b"\x10\x00\x00\x00")[1:], "big")) == value_of(1)
    assert not world.broken


def check_the_ads1220_objects():
    world = World()
    chip = Ads1220Chip(world)
    bus = SPI(world, chip)
    world.advance(100_000)
    exchanged(chip, bus, b"\x06")
    exchanged(chip, bus, b"\x08")
    assert world.broken == 1
    world.advance(100_000)
    exchanged(chip, bus, bytes(3))
    assert world.broken == 2
    exchanged(chip, bus, b"\x42\x0e\x84\x50")
    assert world.broken == 3
    exchanged(chip, bus, b"\xff")
    assert world.broken == 4


run(globals())
