"""Color profiles made by the tests, whose effect is known by a formula."""

import struct
from collections.abc import Callable, Sequence

import pytest

# The primaries of sRGB, adapted to D50, as XYZ (IEC 61966-2-1 and the Bradford transform).
PRIMARIES = {
    "r": (0.4360747, 0.2225045, 0.0139322),
    "g": (0.3850649, 0.7168786, 0.0971045),
    "b": (0.1430804, 0.0606169, 0.7141733),
}


def _number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_number, values))


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


@pytest.fixture(scope="session")
def icc_profile() -> Callable[..., bytes]:
    """Makes an ICC 2.1 profile: gray, or RGB with the primaries of sRGB in the `order` of its channels."""

    def make(*, gamma: float, order: str = "rgb", gray: bool = False) -> bytes:
        tags = {b"wtpt": _xyz((0.9642, 1.0, 0.8249))}
        if gray:
            tags[b"kTRC"] = _gamma(gamma)
        else:
            for channel, primary in zip("rgb", order, strict=True):
                tags[channel.encode() + b"XYZ"] = _xyz(PRIMARIES[primary])
                tags[channel.encode() + b"TRC"] = _gamma(gamma)
        table, data = struct.pack(">I", len(tags)), b""
        for tag, content in tags.items():
            table += tag + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(data), len(content))
            data += content
        header = struct.pack(
            ">I4sI4s4s4s12s4s4s4s4s4s8sI12s4s44s",
            128 + len(table) + len(data), b"", 0x02100000, b"mntr", b"GRAY" if gray else b"RGB ", b"XYZ ", b"", b"acsp",
            b"", b"", b"", b"", b"", 0, _number(0.9642) + _number(1) + _number(0.8249), b"", b"",
        )  # fmt: skip
        return header + table + data

    return make
