#!/usr/bin/env python3
"""Reads a volume or a snapshot out of a folder of volumes.

An independent reader, written from docs/formats/layer.md alone: that it reads what the engine wrote
shows that the document says enough.

Usage: read_volume.py FOLDER NAME > IMAGE
"""

import json
import os
import struct
import sys
import zlib

SECTOR = 4096
PART_SECTORS = 2147483648
BLOCK = 8192
UNIT = 512
PAGE_SECTORS = 16384
GROUP_PAGES = 32768
ABSENT, DATA, ZERO, NOTHING = range(4)


class Damage(Exception):
    """The folder is not what the document says."""


def unit_content(unit, position):
    """256 bytes of content, or None when the unit was never written."""
    if not any(unit):
        return None
    place, checksum = struct.unpack_from("<QL", unit, 256)
    if place != position or checksum != zlib.crc32(unit[:264]):
        raise Damage(f"the unit at {position} is damaged")
    return unit[:256]


class Map:
    def __init__(self, path):
        self.file = open(path, "rb")
        self.size = os.fstat(self.file.fileno()).st_size
        self.pages = {}
        self.directories = {}
        header = self.block(0)
        if None in header or header[0][:12] != b"FIRN-MAP" + struct.pack("<L", 2):
            raise Damage("no header of version 2")
        group = 0
        while group == 0 or (1 + 32769 * group) * BLOCK < self.size:
            units = self.block(1 + 32769 * group)
            if group == 0 and None in units:
                raise Damage("no first directory")
            self.directories[group] = b"".join(unit or bytes(256) for unit in units)
            group += 1

    def block(self, number):
        position = number * BLOCK
        self.file.seek(position)
        block = self.file.read(BLOCK).ljust(BLOCK, b"\0")
        return [
            unit_content(block[at : at + UNIT], position + at) for at in range(0, BLOCK, UNIT)
        ]

    def page(self, number):
        """The content of a page; None when all its sectors are absent."""
        group, index = divmod(number, GROUP_PAGES)
        bits = self.directories.get(group)
        if bits is None or not bits[index // 8] >> (index % 8) & 1:
            return None
        if number not in self.pages:
            units = self.block(2 + 32769 * group + index)
            if None in units:
                raise Damage(f"page {number} was never written")
            self.pages[number] = b"".join(units)
        return self.pages[number]

    def kind(self, sector):
        number, index = divmod(sector, PAGE_SECTORS)
        page = self.page(number)
        if page is None:
            return ABSENT
        kind = page[index // 4] >> (2 * (index % 4)) & 3
        if kind == NOTHING:
            raise Damage(f"sector {sector} has no kind")
        return kind


class Layer:
    def __init__(self, folder, layer_id):
        self.path = os.path.join(folder, "layers", layer_id)
        record = load(os.path.join(self.path, "layer.json"))
        if record["id"] != layer_id:
            raise Damage(f"the record of layer {layer_id}")
        self.parent = record["parent"]
        self.length = record["lengthBytes"]
        self.data = record["dataFile"]
        self.map = Map(os.path.join(self.path, record["mapFile"]))
        self.files = {}

    def kind(self, sector):
        return ABSENT if sector * SECTOR >= self.length else self.map.kind(sector)

    def read(self, sector):
        part, index = divmod(sector, PART_SECTORS)
        if part not in self.files:
            name = self.data if part == 0 else f"{self.data}.{part}"
            self.files[part] = open(os.path.join(self.path, name), "rb")
        self.files[part].seek(index * SECTOR)
        content = self.files[part].read(SECTOR)
        if len(content) != SECTOR:
            raise Damage(f"sector {sector} of {self.path} is cut off")
        return content


def load(path):
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    if value["formatVersion"] != 1:
        raise Damage(f"the record {path}")
    return value


def find(folder, name):
    """The top layer and the size of a volume or snapshot."""
    folder = os.path.join(folder, "volumes")
    records = {}
    for entry in os.listdir(folder):
        if entry.endswith(".json"):
            records[entry[: -len(".json")]] = load(os.path.join(folder, entry))
    pending = os.path.join(folder, "records.pending")
    if os.path.exists(pending):
        records.update((record["id"], record) for record in load(pending)["volumes"])
    for volume_id, record in records.items():
        if record["id"] != volume_id:
            raise Damage(f"the record {volume_id}")
        if volume_id == name:
            return record["head"], record["lengthBytes"]
        for snapshot in record["snapshots"]:
            if snapshot["id"] == name:
                return snapshot["layer"], snapshot["lengthBytes"]
    raise SystemExit(f"there is no volume or snapshot {name}")


def read(chain, sector):
    for layer in chain:
        kind = layer.kind(sector)
        if kind == DATA:
            return layer.read(sector)
        if kind == ZERO:
            break
    return bytes(SECTOR)


def main(folder, name):
    layer_id, length = find(folder, name)
    chain = []
    while layer_id is not None:
        chain.append(Layer(folder, layer_id))
        layer_id = chain[-1].parent
    for sector in range((length + SECTOR - 1) // SECTOR):
        content = read(chain, sector)
        sys.stdout.buffer.write(content[: length - sector * SECTOR])


if __name__ == "__main__":
    main(*sys.argv[1:])
