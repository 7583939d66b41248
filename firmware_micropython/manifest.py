"""What a board's image freezes: the firmware and the protocol it shares with the host."""

package("iastm_protocol", base_path="../protocol")  # noqa: F821 (given by MicroPython's manifest reader)
package("iastm_firmware")  # noqa: F821
