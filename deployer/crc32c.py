"""CRC-32C, with which Secret Manager lets its clients check that a secret arrived whole."""

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, with its bits in reverse


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = [_entry(byte) for byte in range(256)]


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes as an unsigned number of 32 bits (RFC 3720, section 12.1 and appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[crc & 0xFF ^ byte]
    return crc ^ 0xFFFFFFFF
