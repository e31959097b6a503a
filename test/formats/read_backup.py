#!/usr/bin/env python3
"""Reads a backup from a folder of a Firn store, by docs/formats/repository.md alone.

usage: read_backup.py FOLDER BACKUP-ID (--key-file FILE | --passphrase TEXT)

Writes the bytes of the volume to standard output. Needs python3-cryptography and zstd.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import struct
import subprocess
import sys
import unicodedata

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BLOCK, SECTOR, IDS = 65536, 4096, 1024
ZERO = bytes(32)
WHOLE, PATCH, NODE = 1, 2, 3


def hkdf(key, salt, info, length=32):
    """RFC 5869 with SHA-256; one or two blocks are enough here."""
    prk = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()[:length]


class Repository:
    def __init__(self, folder, secret):
        self.folder = folder
        header = json.loads(self.get("repository.json"))
        assert header["format"] == "firn-repository" and header["version"] == 1
        self.id = header["repositoryId"]
        self.salt = self.id.encode()
        self.master = self.unwrap(secret)
        self.places = {}
        self.read_packs()

    def get(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def names(self, prefix):
        for base, _, files in os.walk(os.path.join(self.folder, prefix)):
            for file in files:
                yield os.path.relpath(os.path.join(base, file), self.folder)

    def key_id(self, wrapping):
        return hkdf(wrapping, self.salt, b"firn/1 wrapping key id", 16).hex()

    def unwrap(self, secret):
        for name in self.names("keys"):
            key = json.loads(self.get(name))
            assert key["repositoryId"] == self.id
            wrapping = self.wrapping_key(key, secret)
            if wrapping is None or name != "keys/" + self.key_id(wrapping):
                continue
            wrapped = base64.b64decode(key["wrapped"])
            return AESGCM(wrapping).decrypt(wrapped[:12], wrapped[12:], b"key " + self.salt)
        sys.exit("no key opens this repository")

    @staticmethod
    def wrapping_key(key, secret):
        if key["kind"] == "key-file" and isinstance(secret, bytes):
            return secret
        if key["kind"] != "passphrase" or isinstance(secret, bytes):
            return None
        cost = key["scrypt"]
        return hashlib.scrypt(
            unicodedata.normalize("NFKC", secret).encode(),
            salt=base64.b64decode(cost["salt"]),
            n=2 ** cost["logN"], r=cost["r"], p=cost["p"], dklen=32, maxmem=2**29,
        )

    def key(self, what):
        return hkdf(self.master, self.salt, f"firn/1 {what}".encode())

    def open(self, what, label, sealed):
        flag, nonce, rest = sealed[:1], sealed[1:13], sealed[13:]
        plain = AESGCM(self.key(what)).decrypt(nonce, rest, flag + label)
        if flag == b"\x00":
            return plain
        assert flag == b"\x01"
        return subprocess.run(["zstd", "-dqc"], input=plain, stdout=subprocess.PIPE, check=True).stdout

    def read_packs(self):
        seen = {}
        for name in self.names("indexes"):
            plain = self.open("index", f"index {name[8:]}".encode(), self.get(name))
            at = 0
            while at < len(plain):
                pack = plain[at:at + 16].hex()
                size, length = struct.unpack_from("<II", plain, at + 16)
                seen[pack] = (size, plain[at + 24:at + 24 + length])
                at += 24 + length
        for name in self.names("packs"):
            pack = re.fullmatch(r"packs/[0-9a-f]{2}/([0-9a-f]{32})", name).group(1)
            content = self.get(name)
            assert content[-8:] == b"FIRNPACK"
            (length,) = struct.unpack("<I", content[-12:-8])
            end = len(content) - 12 - length
            directory = self.open("directory", f"directory {pack}".encode(), content[end:-12])
            if pack in seen:
                assert seen[pack] == (len(content), directory), "the index copies the directory"
            self.add(name, directory, end)

    def add(self, name, directory, end):
        at = offset = 0
        while at < len(directory):
            kind, ident = directory[at], directory[at + 1:at + 33]
            (length,) = struct.unpack_from("<I", directory, at + 33)
            at += 37
            if kind == PATCH:
                at += 34
            if kind != PATCH or ident not in self.places:
                self.places[ident] = (name, offset, length, kind)
            offset += length
        assert offset == end

    def sealed(self, ident):
        name, offset, length, kind = self.places[ident]
        content = self.get(name)[offset:offset + length]
        return kind, self.open(f"block {ident[0]}", bytes([kind]) + ident, content)

    def check(self, ident, plain):
        assert hmac.new(self.key("id"), plain, hashlib.sha256).digest() == ident
        return plain

    def node(self, ident):
        kind, plain = self.sealed(ident)
        assert kind == NODE
        return self.check(ident, plain)

    def block(self, ident):
        kind, plain = self.sealed(ident)
        if kind == PATCH:
            base, mask, at = plain[:32], struct.unpack_from("<H", plain, 32)[0], 34
            kind, whole = self.sealed(base)
            assert kind == WHOLE
            block = bytearray(self.check(base, whole))
            for sector in range(16):
                if mask >> sector & 1:
                    block[sector * SECTOR:(sector + 1) * SECTOR] = plain[at:at + SECTOR]
                    at += SECTOR
            plain = bytes(block)
        return self.check(ident, plain)

    def walk(self, ident, level, index):
        if ident == ZERO:
            return
        if level == 0:
            yield index, self.block(ident)
            return
        plain = self.node(ident)
        for child in range(IDS):
            below = plain[child * 32:child * 32 + 32]
            yield from self.walk(below, level - 1, index * IDS + child)

    def restore(self, backup, out):
        sealed = self.get(f"backups/{backup}")
        manifest = json.loads(self.open("manifest", f"manifest {backup}".encode(), sealed))
        assert manifest["formatVersion"] == 1 and manifest["backupId"] == backup
        length, root = manifest["lengthBytes"], manifest["map"]
        done = 0
        for index, block in self.walk(bytes.fromhex(root["rootId"]), root["depth"], 0):
            out.write(bytes(index * BLOCK - done))
            out.write(block[:length - index * BLOCK])
            done = min(length, (index + 1) * BLOCK)
        out.write(bytes(length - done))


def main():
    folder, backup, how, given = sys.argv[1:]
    if how == "--passphrase":
        secret = given
    else:
        with open(given, encoding="ascii") as file:
            secret = base64.b64decode(file.read())
    Repository(folder, secret).restore(backup, sys.stdout.buffer)


main()
