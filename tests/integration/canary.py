"""Looks for a word in bytes, in every form in which it might lie around.

Used by test_secrets.py and the demo. Needs the `zstd` command: not looking is no proof.
"""
import base64
import os
import re
import subprocess
import zlib

PIECE = 64  # bytes given to zlib at once: what came before a torn place is still looked at
UNPACKED_MAX = 1 << 28  # of one stream; more is an error and not silence
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def deflate_heads():
    """An expression for where a zlib or gzip stream may begin, at every place in turn."""
    heads = [b"\x1f\x8b\x08"]
    for cmf in range(0x08, 0x88, 0x10):  # deflate, each size of window
        heads += [bytes((cmf, flg)) for flg in range(256)
                  if (cmf * 256 + flg) % 31 == 0 and not flg & 0x20]  # 0x20: its dictionary apart
    return re.compile(b"(?=" + b"|".join(re.escape(head) for head in heads) + b")")


DEFLATE_HEAD = deflate_heads()


def forms(text):
    """Name -> bytes: raw, UTF-16, hex, base64 at each of its three offsets."""
    raw = text.encode()
    found = {"raw": raw, "utf-16le": text.encode("utf-16-le"), "utf-16be": text.encode("utf-16-be"),
             "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    for pad in range(3):
        coded = base64.b64encode(b"\0" * pad + raw).decode()
        # Without the characters at the ends that depend on the neighbours.
        found["base64+%d" % pad] = coded[4 if pad else 0:].rstrip("=")[:-2].encode()
    return found


def inflate(data, at):
    """What the stream that may begin at `at` holds, as far as it goes."""
    stream, out, size = zlib.decompressobj(32 + zlib.MAX_WBITS), [], 0  # 32: zlib or gzip
    while at < len(data) and not stream.eof:
        try:
            out.append(stream.decompress(data[at:at + PIECE]))
        except zlib.error:
            break
        at += PIECE
        size += len(out[-1])
        if size > UNPACKED_MAX:
            raise AssertionError("a packed stream of more than %d bytes" % UNPACKED_MAX)
    return b"".join(out)


def unpacked(data):
    """Every zlib, gzip or zstd stream inside `data`, unpacked."""
    for head in DEFLATE_HEAD.finditer(data):
        yield inflate(data, head.start())
    at = data.find(ZSTD_MAGIC)
    while at >= 0:
        # It complains about what follows the stream; what the stream held is out by then.
        yield subprocess.run(["zstd", "-dcq", "--no-check"], input=data[at:],
                             capture_output=True).stdout
        at = data.find(ZSTD_MAGIC, at + 1)


def search(name, data, *words):
    """A line for each form of a word that `data` holds, itself or packed."""
    needles = {"%s of %s" % (form, word[:12]): needle
               for word in words for form, needle in forms(word).items()}
    hits = ["%s: %s" % (name, form) for form, needle in needles.items() if needle in data]
    for plain in unpacked(data):
        hits += ["%s: packed %s" % (name, form) for form, needle in needles.items()
                 if needle in plain]
    return hits


def search_files(paths, *words):
    """As search(), in files; one that went away meanwhile (a WAL) holds nothing."""
    hits = []
    for path in paths:
        if os.path.exists(path):
            with open(path, "rb") as f:
                hits += search(path, f.read(), *words)
    return hits
