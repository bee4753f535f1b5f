import pytest

from deployer.crc32c import crc32c

# An iSCSI SCSI Read (10) command, as RFC 3720 has it.
READ_COMMAND = bytes.fromhex(
    "01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000 00000000"
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(bytes(32), 0x8A9136AA, id="RFC 3720: zeros"),
        pytest.param(b"\xff" * 32, 0x62A8AB43, id="RFC 3720: ones"),
        pytest.param(bytes(range(32)), 0x46DD794E, id="RFC 3720: ascending"),
        pytest.param(bytes(range(31, -1, -1)), 0x113FDB5C, id="RFC 3720: descending"),
        pytest.param(READ_COMMAND, 0xD9963A56, id="RFC 3720: a read command"),
        pytest.param(b"123456789", 0xE3069283, id="the usual check value"),
        pytest.param(b"", 0, id="nothing"),
    ],
)
def test_crc32c(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected
