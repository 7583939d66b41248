"""Checks of converters whose board sets another rate than the driver was told; run one by name under MicroPython."""

from tests.firmware.models.ads1232_chip import Ads1232Chip
from tests.firmware.models.bench import Bench, run
from tests.firmware.models.hx711_chip import Hx711Chip

from iastm_firmware.drivers.ads1232 import ADS1232
from iastm_firmware.drivers.hx711 import HX711

OTHER = {80: 10, 10: 80}


def hx711(rate_hz, **chip):
    """Return a bench with a chip at `rate_hz`, and a driver that was told the other rate."""

    def make_driver(world, time, there):
        return HX711(
            there.data,
            there.clock,
            time,
            rate_hz=OTHER[rate_hz],
            gain=chip.get("wanted_gain", 128),
            irq_off=world.disable_irq,
            irq_on=world.enable_irq,
        )

    return Bench(lambda world: Hx711Chip(world, rate_hz=rate_hz, **chip), make_driver)


def ads1232(rate_hz):
    """As `hx711`."""

    def make_driver(world, time, there):
        return ADS1232(there.data, there.clock, there.power_down, time, rate_hz=OTHER[rate_hz])

    return Bench(lambda world: Ads1232Chip(world, rate_hz=rate_hz), make_driver)


def check_an_hx711_tells_settled_conversions_at_the_rate_of_its_bridge():
    for rate_hz in (10, 80):
        for gain in (128, 64):
            for clock_error in (-100, 100):
                for settled_first in (True, False):
                    bench = hx711(rate_hz, wanted_gain=gain, clock_error=clock_error, settled_first=settled_first)
                    bench.start()
                    assert bench.driver.rate_mhz == OTHER[rate_hz] * 1000
                    assert bench.reader.run(4000) > 3 * rate_hz * 8 // 10 - 3
                    bench.no_error()
                    bench.tells_all(300)
                    assert bench.driver.voided == 0


def check_an_ads1232_tells_calibrated_conversions_at_the_rate_of_its_bridge():
    for rate_hz in (10, 80):
        bench = ads1232(rate_hz).start()
        assert bench.reader.run(4000) > 2 * rate_hz
        bench.no_error()
        bench.tells_all(300)


run(globals())
