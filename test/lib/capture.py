# SPDX-License-Identifier: Apache-2.0
"""Reads the files that an agent's capture writes, from its description in src/agent/capture/segment.h."""
import os
import stat
import struct

BEGIN, HEAD, BODY, TRAILERS, END, ROW, CLOSED = range(1, 8)


def folder_of(edge):
    return os.path.join(edge.folder, ".local/state/adit/capture")


def files(folder, ending=".seg"):
    return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(ending))


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def records(path, check=False):
    """(type, side, id, payload) of each whole record, and the bytes behind the last of them."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"adit-seg", data[:16]
    at, found = 16, []
    while len(data) - at >= 40:
        magic, crc, length, kind, side, _, number, _, _ = struct.unpack_from("<IIIBBHQqQ", data, at)
        if magic != 0x52646441 or at + 40 + length > len(data):
            break
        if check:
            assert crc32c(data[at + 8:at + 40 + length]) == crc, (path, at)
        found.append((kind, side, number, data[at + 40:at + 40 + length]))
        at += 40 + length
    return found, len(data) - at


def everything(folder):
    """Every byte of every file."""
    data = b""
    for base, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(base, name), "rb") as f:
                data += f.read()
    return data


def modes(folder):
    return {stat.S_IMODE(os.stat(os.path.join(base, name)).st_mode) for base, _, names in os.walk(folder) for name in names}
