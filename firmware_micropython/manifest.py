"""What a board's image freezes: the firmware and the protocol it shares with the host.

Frozen code lies in flash and takes no heap. A folder `iastm_firmware` or `iastm_protocol` on the board's file system
comes before the frozen one. A board that is to start by itself needs `main.py` beside: see manifest_release.py.
"""

package("iastm_protocol", base_path="../protocol")  # noqa: F821 (given by MicroPython's manifest reader)
package("iastm_firmware")  # noqa: F821
