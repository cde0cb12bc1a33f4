#!/usr/bin/env python3
"""Test vectors for every format of SECURITY section 2, made without any code of this project.

Uses Python's standard library and the `openssl` command only: hashlib for BLAKE2b and SHA-256, hmac
for HKDF-SHA-512, openssl for Ed25519 and X25519; XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, RFC
8439) and the arithmetic of shares are written out below. Argon2id is in neither, so its only vector
is the anchor.

  vectors.py [--out tests/data/vectors]     writes the files
  vectors.py --check                        exits 1 if the committed files differ from what it makes

All inputs come from a counter, so the output is the same every time. File form: "case KIND NAME",
then "field VALUE" lines, then an empty line; a value is hex bytes, "-" for no bytes, or "#123" for
a number.
"""
import argparse
import hashlib
import hmac
import os
import struct
import subprocess
import sys
import tempfile
import unicodedata

ZERO32 = bytes(32)


# ---- conventions of 2.1 ----

def enc(label, *fields):
    out = b""
    for field in (label,) + fields:
        if isinstance(field, int):
            field = struct.pack(">Q", field)
        if isinstance(field, str):
            field = field.encode()
        out += struct.pack(">I", len(field)) + field
    return out


def b2(data, size=32):
    return hashlib.blake2b(data, digest_size=size).digest()


def H(label, *fields):
    return b2(enc(label, *fields))


def mac(key, message):
    return hmac.new(key, message, hashlib.sha512).digest()


def extract(salt, ikm):
    return mac(salt or bytes(64), ikm)


def expand(prk, info, size=32):
    out, block, number = b"", b"", 1
    while len(out) < size:
        block = mac(prk, block + info + bytes([number]))
        out += block
        number += 1
    return out[:size]


def kdf(salt, ikm, label, *fields):
    return expand(extract(salt, ikm), enc(label, *fields))


# ---- XChaCha20-Poly1305-IETF ----

MASK = 0xFFFFFFFF
SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def quarter(s, a, b, c, d):
    s[a] = (s[a] + s[b]) & MASK
    x = s[d] ^ s[a]
    s[d] = (x << 16 | x >> 16) & MASK
    s[c] = (s[c] + s[d]) & MASK
    x = s[b] ^ s[c]
    s[b] = (x << 12 | x >> 20) & MASK
    s[a] = (s[a] + s[b]) & MASK
    x = s[d] ^ s[a]
    s[d] = (x << 8 | x >> 24) & MASK
    s[c] = (s[c] + s[d]) & MASK
    x = s[b] ^ s[c]
    s[b] = (x << 7 | x >> 25) & MASK


def rounds(state):
    s = list(state)
    for _ in range(10):
        for i in range(4):
            quarter(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return s


def chacha_block(key, counter, nonce12):
    start = SIGMA + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce12)
    return struct.pack("<16I", *((a + b) & MASK for a, b in zip(start, rounds(start))))


def hchacha(key, nonce16):
    s = rounds(SIGMA + struct.unpack("<8I", key) + struct.unpack("<4I", nonce16))
    return struct.pack("<8I", *(s[0:4] + s[12:16]))


def chacha_xor(key, counter, nonce12, data):
    out = b""
    for i in range(0, len(data), 64):
        stream = chacha_block(key, counter + i // 64, nonce12)
        out += bytes(a ^ b for a, b in zip(data[i:i + 64], stream))
    return out


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def padded16(data):
    return data + bytes(-len(data) % 16)


def aead_body(key, nonce24, aad, plain):
    subkey, nonce12 = hchacha(key, nonce24[:16]), bytes(4) + nonce24[16:]
    text = chacha_xor(subkey, 1, nonce12, plain)
    lengths = struct.pack("<QQ", len(aad), len(text))
    one_time = chacha_block(subkey, 0, nonce12)[:32]
    return text + poly1305(one_time, padded16(aad) + padded16(text) + lengths)


def aead(key, nonce24, aad, plain):
    return nonce24 + aead_body(key, nonce24, aad, plain)


def salamander(key1, key2, nonce24, aad, text):
    """Makes ciphertext || tag that opens under both keys, by solving for its first block.

    Poly1305 is a polynomial in r: tag1 = tag2 is one linear equation in one 16-byte block. The
    second block is a counter, until the solution is a block and both sums wrap alike.
    """
    prime = 2**130 - 5
    ones = [chacha_block(hchacha(key, nonce24[:16]), 0, bytes(4) + nonce24[16:])[:32]
            for key in (key1, key2)]
    rs = [int.from_bytes(one[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF for one in ones]
    ss = [int.from_bytes(one[16:], "little") for one in ones]
    front, lengths = padded16(aad), struct.pack("<QQ", len(aad), len(text))
    free = len(front) // 16
    for counter in range(1000):
        text = text[:16] + counter.to_bytes(16, "little") + text[32:]
        message = front + padded16(text) + lengths
        blocks = [int.from_bytes(message[i:i + 16] + b"\x01", "little")
                  for i in range(0, len(message), 16)]
        sums = [sum(b * pow(r, len(blocks) - i, prime) for i, b in enumerate(blocks) if i != free)
                for r in rs]
        powers = [pow(r, len(blocks) - free, prime) for r in rs]
        block = (sums[1] + ss[1] - sums[0] - ss[0]) * pow(powers[0] - powers[1], -1, prime) % prime
        if not 2**128 <= block < 2**129:
            continue
        text = (block - 2**128).to_bytes(16, "little") + text[16:]
        tags = [poly1305(one, front + padded16(text) + lengths) for one in ones]
        if tags[0] == tags[1]:
            return text + tags[0]
    raise ValueError("no salamander found")


# ---- Ed25519 and X25519 through the openssl command ----

ED_SK = bytes.fromhex("302e020100300506032b657004220420")
X_SK = bytes.fromhex("302e020100300506032b656e04220420")
X_PK = bytes.fromhex("302a300506032b656e032100")


def openssl(folder, arguments, **files):
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    run = subprocess.run(["openssl"] + arguments, cwd=folder, capture_output=True, check=True)
    return run.stdout


class Curve:
    def __init__(self, folder):
        self.folder = folder

    def ed_pk(self, seed):
        return openssl(self.folder, "pkey -inform DER -in k -pubout -outform DER".split(),
                       k=ED_SK + seed)[-32:]

    def sign(self, seed, message):
        return openssl(self.folder, "pkeyutl -sign -rawin -keyform DER -inkey k -in m".split(),
                       k=ED_SK + seed, m=message)

    def x_pk(self, sk):
        return openssl(self.folder, "pkey -inform DER -in k -pubout -outform DER".split(),
                       k=X_SK + sk)[-32:]

    def x(self, sk, pk):
        return openssl(self.folder,
                       "pkeyutl -derive -keyform DER -inkey k -peerform DER -peerkey p".split(),
                       k=X_SK + sk, p=X_PK + pk)

    def box(self, e, pk, label, fields, plain):
        info = enc("crs1/seal", label, *fields)
        epk = self.x_pk(e)
        key = expand(extract(epk + pk, self.x(e, pk)), info)
        return b"\x01" + epk + aead_body(key, bytes(24), info, plain)


# ---- codes and shares ----

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def base32(data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(CROCKFORD[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))


def groups(text):
    return "-".join(text[i:i + 4] for i in range(0, len(text), 4))


def code(kind, *runs):
    check = int.from_bytes(H("crs1/code", kind, b"".join(runs))[:2], "big") >> 6
    tail = CROCKFORD[check >> 5] + CROCKFORD[check & 31]
    return groups("".join(base32(run) for run in runs) + tail)


def gf_mul(a, b):
    """GF(2^8) modulo x^8+x^4+x^3+x^2+1, the field of libgfshare."""
    out = 0
    while b:
        if b & 1:
            out ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11D
        b >>= 1
    return out


def share_y(key, coefficients, x):
    """key + c1 x + c2 x^2 .., byte by byte."""
    out = bytearray()
    for i, byte in enumerate(key):
        power, value = 1, byte
        for c in coefficients:
            power = gf_mul(power, x)
            value ^= gf_mul(c[i], power)
        out.append(value)
    return bytes(out)


def share_text(k, n, x, public_key, y):
    head = b"CRSS" + bytes([1, k, n, x]) + H("crs1/share-key", public_key)[:4] + y
    return groups(base32(head + H("crs1/share", head)[:4]))


# ---- output ----

class Maker:
    """One file: cases in order, inputs from a counter so that every run makes the same."""

    def __init__(self, name):
        self.name, self.lines, self.count, self.used = name, [], 0, 0

    def some(self, size):
        out = b""
        while len(out) < size:
            out += hashlib.sha512(f"{self.name} {self.used}".encode()).digest()
            self.used += 1
        return out[:size]

    def case(self, kind, name, *fields):
        self.count += 1
        self.lines.append(f"case {kind} {name}")
        for key, value in fields:
            if isinstance(value, int):
                value = f"#{value}"
            else:
                value = (value.encode() if isinstance(value, str) else value).hex() or "-"
            self.lines.append(f"{key} {value}")
        self.lines.append("")

    def text(self):
        return "# Made by tests/tools/vectors.py; do not edit.\n\n" + "\n".join(self.lines)


def u64(n):
    return struct.pack(">Q", n)


# ---- primitives ----

def make_primitives(m, c):
    for name, fields in (("none", ()), ("empty", (b"",)), ("number", (7,)), ("big", (2**64 - 1,)),
                         ("mixed", (m.some(16), 1, "text", m.some(300)))):
        flat = [f if not isinstance(f, int) else u64(f) for f in fields]
        out = enc("crs1/test", *fields)
        m.case("enc", name, ("label", "crs1/test"), *[("field", f) for f in flat], ("enc", out),
               ("hash", b2(out)))
    for size in (0, 1, 91, 128, 129):
        data = m.some(size)
        m.case("hash", f"bytes-{size}", ("data", data), ("blake2b", b2(data)),
               ("sha256", hashlib.sha256(data).digest()))
    for key, size in ((0, 0), (20, 8), (64, 64), (128, 200), (200, 3)):
        k, data = m.some(key), m.some(size)
        m.case("hmac", f"key-{key}", ("key", k), ("data", data), ("mac", mac(k, data)))
    for salt, ikm, size in ((0, 22, 42), (13, 22, 32), (80, 80, 82), (64, 32, 64), (32, 1, 129)):
        s, i = m.some(salt), m.some(ikm)
        prk, info = extract(s, i), enc("crs1/test-kdf", s, size)
        m.case("hkdf", f"okm-{size}", ("salt", s), ("ikm", i), ("prk", prk),
               ("label", "crs1/test-kdf"), ("field", s), ("field", u64(size)),
               ("okm", expand(prk, info, size)))
    for plain, aad in ((0, 0), (1, 12), (15, 16), (64, 1), (65, 108), (1000, 33)):
        key, nonce, p, a = m.some(32), m.some(24), m.some(plain), m.some(aad)
        m.case("aead", f"plain-{plain}", ("key", key), ("nonce", nonce), ("aad", a), ("plain", p),
               ("sealed", aead(key, nonce, a, p)), ("once", aead_body(key, bytes(24), a, p)))
    for label, fields, plain in (("note-grant", (m.some(16), 3), 32), ("outbox-key", (), 0),
                                 ("keyring-recovery", (b"",), 100), ("backup", (m.some(40),), 7)):
        e, sk, p = m.some(32), m.some(32), m.some(plain)
        pk = c.x_pk(sk)
        flat = [f if not isinstance(f, int) else u64(f) for f in fields]
        m.case("box", label, ("e", e), ("sk", sk), ("pk", pk), ("label", label),
               *[("field", f) for f in flat], ("plain", p),
               ("sealed", c.box(e, pk, label, fields, p)))
    for size in (1, 2, 263, 1000):  # openssl takes no empty message
        seed, message = m.some(32), m.some(size)
        m.case("sign", f"message-{size}", ("seed", seed), ("pk", c.ed_pk(seed)),
               ("message", message), ("sig", c.sign(seed, message)))
    texts = ("correct horse battery staple", "\uff21\uff22\uff23 full width letters",
             "e\u0301tude du soir \ufb01n", "\u1e9b\u0323 two marks in the other order",
             "\u2460\u2461\u2462 circled \u00bd and \u3392 units",
             "\u0bb5\u0bbe\u0bb4\u0bcd\u0b95 \u0bb5\u0bb3\u0bae\u0bc1\u0b9f\u0ba9\u0bcd",
             "\u1112\u1161\u11ab hangul jamo \uac00\u11a8 syllables",
             "  kept spaces  and\u00a0others ", "\ufdfa is the longest")
    for i, text in enumerate(texts):
        m.case("nfkc", f"text-{i + 1}", ("raw", text),
               ("p", unicodedata.normalize("NFKC", text)))


# ---- formats both programs know ----

def make_pass_keys(m, c):
    for i in range(4):
        a, cs, clinic, user = m.some(32), m.some(32), m.some(16), m.some(16)
        prk = extract(cs, a)
        ask = expand(prk, enc("crs1/user-auth", clinic, user, 1))
        m.case("pass-keys", f"person-{i + 1}", ("a", a), ("cs", cs), ("clinic", clinic),
               ("user", user), ("uwk", expand(prk, enc("crs1/user-wrap", clinic, user, 1))),
               ("ucm", expand(prk, enc("crs1/user-commit", clinic, user, 1))), ("ask", ask),
               ("auth_pk", c.ed_pk(ask)))


def make_proofs(m, c):
    for i in range(2):
        seed, f = m.some(32), [m.some(n) for n in (16, 16, 32, 32, 32, 32)]
        message = enc("crs1/login", *f)
        m.case("login", f"proof-{i + 1}", ("seed", seed),
               *zip(("clinic", "user", "cn", "sn", "exporter", "spki"), f),
               ("message", message), ("sig", c.sign(seed, message)))
    for handle in ("mara", "", "j\u00f6rg.weiss"):
        key = m.some(32)
        out = mac(key, enc("crs1/fake", handle))
        m.case("fake", f"handle-{len(handle)}", ("key", key), ("handle", handle),
               ("user", out[:16]), ("salt", out[16:32]))
    seed, blob = m.some(32), m.some(300)
    f = [m.some(16), m.some(16), 4, b2(blob), m.some(32)]
    m.case("passphrase", "change", ("seed", seed), ("clinic", f[0]), ("user", f[1]), ("rev", 4),
           ("blob", blob), ("auth_pk", f[4]), ("sig", c.sign(seed, enc("crs1/passphrase", *f))))
    for i in range(2):
        s, exporter = m.some(16), m.some(32)
        key = kdf(b"", s, "crs1/setup-mac")
        m.case("setup", f"proof-{i + 1}", ("s", s), ("exporter", exporter), ("setup_mac", key),
               ("proof", mac(key, exporter)))
    for i in range(2):
        j, spki, exporter = m.some(16), m.some(32), m.some(32)
        key = kdf(b"", j, "crs1/join-mac")
        m.case("enrol", f"proof-{i + 1}", ("j", j), ("spki", spki), ("exporter", exporter),
               ("join_id", kdf(b"", j, "crs1/join-id")[:16]),
               ("join_wrap", kdf(b"", j, "crs1/join-wrap")), ("join_mac", key),
               ("proof", mac(key, enc("crs1/enrol", spki, exporter))))


def make_codes(m, _):
    for i in range(3):
        s, spki = m.some(16), m.some(32)
        m.case("setup-code", f"code-{i + 1}", ("s", s), ("spki", spki),
               ("text", code("setup", s, spki[:16])))
    for i in range(3):
        j = m.some(16)
        m.case("join-code", f"code-{i + 1}", ("j", j), ("text", code("join", j)))
    for size in (1, 5, 32, 64):
        data = m.some(size)
        m.case("code", f"bytes-{size}", ("kind", "seed"), ("data", data),
               ("text", code("seed", data)), ("plain", groups(base32(data))))


def make_ops(m, c):
    for i, kind in enumerate((1, 7, 2**40, 2**64 - 1)):
        seed, payload = m.some(32), m.some(16 + 40 * i)
        prev = ZERO32 if i == 0 else m.some(32)
        f = (m.some(16), m.some(16), kind, m.some(16), i + 1, m.some(32), i + 1, prev,
             ZERO32 if i == 1 else m.some(32), 1700000000000 + i, b2(payload))
        core = enc("crs1/op", *f)
        names = ("clinic", "op", "kind", "author", "author_gen", "lane", "lane_seq", "prev",
                 "heads", "time", "payload_hash")
        m.case("op", f"op-{i + 1}", ("seed", seed), ("payload", payload), *zip(names, f),
               ("core", core), ("hash", b2(core)), ("sig", c.sign(seed, core)))
    for cls in (1, 2):
        f = (m.some(16), m.some(16), cls, m.some(16))
        m.case("lane", f"class-{cls}", *zip(("user", "room", "class", "random"), f),
               ("lane", H("crs1/lane", *f)))
    for count in (0, 1, 5):
        heads = sorted((m.some(32), i + 1, m.some(32)) for i in range(count))
        flat = [f for head in heads for f in head]
        out = H("crs1/heads", *flat) if count else ZERO32
        shuffled = heads[2:] + heads[:2]
        m.case("heads", f"count-{count}", ("hash", out),
               *[p for h in shuffled for p in zip(("lane", "seq", "op"), h)])


def make_directory(m, c):
    for i, name in enumerate(("Jo Park", "Mara Lind", "\u00c9ric d'\u00c9toile", "N" * 200)):
        seed = m.some(32)
        f = (m.some(16), i + 1, ZERO32 if i == 0 else m.some(32), m.some(16), i + 1, name,
             (3, 2, 4, 63)[i], c.ed_pk(seed), m.some(32), (1, 1, 2, 3)[i],
             bytes(16) if i == 0 else m.some(16), i)
        names = ("clinic", "seq", "prev", "user", "g", "name", "roles", "sign_pk", "box_pk",
                 "status", "signer", "signer_g")
        entry = enc("crs1/dir", *f)
        m.case("dir", f"entry-{i + 1}", *zip(names, f), ("entry", entry), ("hash", b2(entry)))
    for i in range(3):
        f = (m.some(16), m.some(16), i + 1, m.some(32), m.some(32))
        d = b2(enc("crs1/fp", *f), 64)
        for _ in range(2**14):
            d = b2(d + f[3] + f[4], 64)
        digits = [f"{int.from_bytes(d[5 * k:5 * k + 5], 'big') % 100000:05d}" for k in range(6)]
        m.case("fingerprint", f"person-{i + 1}",
               *zip(("clinic", "user", "g", "sign_pk", "box_pk"), f), ("text", " ".join(digits)))


def make_records(m, c):
    for count in (1, 2, 4):
        seed, spki = m.some(32), [m.some(32) for _ in range(count)]
        clinic, ingest, log = m.some(16), m.some(32), m.some(32)
        record = enc("crs1/server-record", clinic, count, *spki, ingest, log)
        m.case("server-record", f"keys-{count}", ("seed", seed), ("clinic", clinic),
               ("seq", count), *[("spki", s) for s in spki], ("ingest", ingest), ("log", log),
               ("record", record), ("sig", c.sign(seed, record)))
    for k, n in ((2, 3), (3, 5), (0, 0)):
        seed, crk = m.some(32), m.some(32) if k else ZERO32
        f = (m.some(16), k + 1, "Harbour Massage", crk, k, n)
        record = enc("crs1/policy", *f)
        m.case("policy", f"shares-{k}-{n}", ("seed", seed),
               *zip(("clinic", "version", "name", "crk", "k", "n"), f), ("record", record),
               ("sig", c.sign(seed, record)))
    for n, reason in ((1, ""), (2, "server replaced after a disk failure")):
        seed, f = m.some(32), (m.some(16), m.some(16), n, (n - 1) * 4711, reason, m.some(16), n)
        record = enc("crs1/epoch", *f)
        m.case("epoch", f"epoch-{n}", ("seed", seed),
               *zip(("clinic", "epoch", "n", "restored_seq", "reason", "signer", "signer_g"), f),
               ("record", record), ("sig", c.sign(seed, record)))
    for i in range(2):
        f = (m.some(16), i + 1, ZERO32 if i == 0 else m.some(32), m.some(32), 1700000000000 + i)
        m.case("log", f"entry-{i + 1}", *zip(("epoch", "seq", "prev", "row", "time"), f),
               ("hash", H("crs1/log", *f)))
        seed, g = m.some(32), (m.some(16), m.some(16), 100 * i + 1, m.some(32), 1700000000000)
        m.case("head", f"head-{i + 1}", ("seed", seed),
               *zip(("clinic", "epoch", "seq", "entry", "time"), g),
               ("sig", c.sign(seed, enc("crs1/head", *g))))


def make_courier(m, c):
    for i in range(2):
        sk, e, room, boot, key = (m.some(n) for n in (32, 32, 16, 16, 32))
        m.case("boot-key", f"boot-{i + 1}", ("ingest_sk", sk), ("room", room), ("boot", boot),
               ("key", key), ("sealed", c.box(e, c.x_pk(sk), "outbox-key", (room, boot), key)))
        op, lane, nonce, plain = m.some(16), m.some(32), m.some(24), m.some(400)
        aad = enc("crs1/outbox", room, boot, op, lane, i + 1)
        m.case("outbox", f"row-{i + 1}", ("key", key), ("room", room), ("boot", boot), ("op", op),
               ("lane", lane), ("lane_seq", i + 1), ("plain", plain),
               ("sealed", aead(key, nonce, aad, plain)))


def make_join(m, c):
    for i in range(2):
        j, root, clinic, cs = m.some(16), m.some(32), m.some(16), m.some(32)
        prev = m.some(32) if i else b""
        server = enc("crs1/server-record", clinic, 1, m.some(32), m.some(32), m.some(32))
        epoch = enc("crs1/epoch", clinic, m.some(16), 1, 0, "", m.some(16), 1)
        policy = enc("crs1/policy", clinic, 1, "Harbour Massage", m.some(32), 2, 3)
        dir_hash, epoch_sig = m.some(32), m.some(64)
        plain = enc("crs1/join-plain", clinic, i + 1, cs, i, prev, c.ed_pk(root), server,
                    c.sign(root, server), epoch, epoch_sig, 5, dir_hash, policy,
                    c.sign(root, policy))
        aad = enc("crs1/join", clinic, kdf(b"", j, "crs1/join-id")[:16], 1700000900000)
        sealed = aead(kdf(b"", j, "crs1/join-wrap"), m.some(24), aad, plain)
        m.case("join-blob", f"blob-{i + 1}", ("j", j), ("clinic", clinic),
               ("expires", 1700000900000), ("cs_id", i + 1), ("cs", cs), ("prev_cs_id", i),
               ("prev_cs", prev), ("root_pk", c.ed_pk(root)), ("server_record", server),
               ("epoch_record", epoch), ("epoch_sig", epoch_sig), ("dir_seq", 5),
               ("dir_hash", dir_hash), ("policy", policy),
               ("sealed", b"CRSJ\x01\x01\x00\x00" + sealed))


# ---- formats only rooms know ----

def make_keyrings(m, c):
    for i in range(4):
        clinic, user, room, seed, g = m.some(16), m.some(16), m.some(16), m.some(32), 1
        sign = kdf(b"", seed, "crs1/sign", clinic, user, g)
        box = kdf(b"", seed, "crs1/box", clinic, user, g)
        m.case("seed", f"person-{i + 1}", ("clinic", clinic), ("user", user), ("room", room),
               ("seed", seed), ("sign_pk", c.ed_pk(sign)), ("box_sk", box), ("box_pk", c.x_pk(box)),
               ("note_kek", kdf(b"", seed, "crs1/note-kek", clinic, user, g)),
               ("vault_key", kdf(b"", seed, "crs1/vault", clinic, user, g)),
               ("local_key", kdf(b"", seed, "crs1/local", clinic, user, g, room)))
    for gens in (1, 2, 3):
        clinic, user, a, cs, salt = (m.some(n) for n in (16, 16, 32, 32, 16))
        seeds = [m.some(32) for _ in range(gens)]
        prk = extract(cs, a)
        uwk = expand(prk, enc("crs1/user-wrap", clinic, user, 1))
        ucm = expand(prk, enc("crs1/user-commit", clinic, user, 1))
        head = b"CRSK\x01\x01\x01\x00" + clinic + user + struct.pack(">QII", gens, 3, 262144)
        head += salt + struct.pack(">I", 1) + ucm
        plain = enc("crs1/keyring", 1, clinic, user, *seeds)
        nonce = m.some(24)
        m.case("keyring", f"gens-{gens}", ("clinic", clinic), ("user", user), ("a", a), ("cs", cs),
               ("salt", salt), ("rev", gens), ("nonce", nonce), *[("seed", s) for s in seeds],
               ("blob", head + aead(uwk, nonce, head, plain)))
        crk, e = m.some(32), m.some(32)
        blob = b"CRSK\x01\x02\x01\x00" + clinic + user + u64(gens)
        blob += c.box(e, c.x_pk(crk), "keyring-recovery", (clinic, user, gens), plain)
        m.case("recovery", f"gens-{gens}", ("clinic", clinic), ("user", user), ("rev", gens),
               ("crk", crk), *[("seed", s) for s in seeds], ("blob", blob))


def note_padded(plain):
    size = max(1024, (len(plain) // 512 + 1) * 512)
    return plain + b"\x80" + bytes(size - len(plain) - 1)


def make_notes(m, c):
    sizes = ((1, 0), (511, 1), (512, 2), (1023, 3), (1024, 0), (5000, 2))
    for i, (size, parents) in enumerate(sizes):
        nk, clinic, note, author, lane = (m.some(n) for n in (32, 16, 16, 16, 32))
        gen, author_gen, seq = i + 1, 1, 10 + i
        above = [m.some(16) for _ in range(parents)]
        commit = kdf(b"", nk, "crs1/note-commit", note, gen)
        aad = enc("crs1/note", clinic, note, gen, author, author_gen, lane, seq,
                  H("crs1/parents", *sorted(above)), commit)
        plain, nonce = m.some(size), m.some(24)
        sealed = aead(kdf(b"", nk, "crs1/note-body", note, gen), nonce, aad, note_padded(plain))
        m.case("note", f"plain-{size}", ("nk", nk), ("clinic", clinic), ("note", note),
               ("note_gen", gen), ("author", author), ("author_gen", author_gen), ("lane", lane),
               ("lane_seq", seq), *[("parent", p) for p in above], ("plain", plain),
               ("nonce", nonce), ("commitment", commit), ("sealed", sealed))
    for i in range(3):
        kek, nk, clinic, user, note = (m.some(n) for n in (32, 32, 16, 16, 16))
        aad = enc("crs1/nk", clinic, user, i + 1, note, i + 2)
        m.case("wrap", f"key-{i + 1}", ("kek", kek), ("clinic", clinic), ("user", user),
               ("g", i + 1), ("note", note), ("note_gen", i + 2), ("nk", nk),
               ("sealed", aead(kek, m.some(24), aad, nk)))
    for i in range(2):
        sk, e, nk = m.some(32), m.some(32), m.some(32)
        f = (m.some(16), m.some(16), m.some(16), i + 1, m.some(16), 1, m.some(16), 2, m.some(32))
        names = ("clinic", "grant", "note", "note_gen", "author", "author_gen", "rcpt",
                 "rcpt_gen", "consent")
        m.case("grant", f"grant-{i + 1}", ("sk", sk), *zip(names, f), ("nk", nk),
               ("sealed", c.box(e, c.x_pk(sk), "note-grant", f, nk)))


def make_salamanders(m, _):
    """Bytes that plain XChaCha20-Poly1305 opens under two keys; only the commitment refuses one."""
    clinic, note, author, lane = m.some(16), m.some(16), m.some(16), m.some(32)
    keys = [m.some(32), m.some(32)]
    bodies = [kdf(b"", nk, "crs1/note-body", note, 1) for nk in keys]
    commit, nonce = kdf(b"", keys[0], "crs1/note-commit", note, 1), m.some(24)
    aad = enc("crs1/note", clinic, note, 1, author, 1, lane, 1, H("crs1/parents"), commit)
    text = aead_body(bodies[0], nonce, aad, note_padded(m.some(600)))[:-16]
    m.case("two-key-note", "salamander", ("nk", keys[0]), ("other_nk", keys[1]),
           ("other_body", bodies[1]), ("clinic", clinic), ("note", note), ("author", author),
           ("lane", lane), ("commitment", commit), ("aad", aad),
           ("sealed", nonce + salamander(bodies[0], bodies[1], nonce, aad, text)))
    user, cs, passes = m.some(16), m.some(32), [m.some(32), m.some(32)]
    prks = [extract(cs, a) for a in passes]
    uwks = [expand(prk, enc("crs1/user-wrap", clinic, user, 1)) for prk in prks]
    head = b"CRSK\x01\x01\x01\x00" + clinic + user + struct.pack(">QII", 1, 3, 262144)
    head += m.some(16) + struct.pack(">I", 1)
    head += expand(prks[0], enc("crs1/user-commit", clinic, user, 1))
    m.case("two-key-ring", "salamander", ("clinic", clinic), ("user", user), ("cs", cs),
           ("a", passes[0]), ("other_a", passes[1]),
           ("blob", head + nonce + salamander(uwks[0], uwks[1], nonce, head, m.some(112))))


def make_rows(m, _):
    for i in range(2):
        key, clinic, user, plain = m.some(32), m.some(16), m.some(16), m.some(50 * i)
        head = b"CRSV\x01\x01\x00\x00" + clinic + user + u64(1) + u64(i + 7)
        aad = enc("crs1/vault", clinic, user, 1, i + 7)
        m.case("vault", f"rev-{i + 7}", ("key", key), ("clinic", clinic), ("user", user), ("g", 1),
               ("rev", i + 7), ("plain", plain),
               ("blob", head + aead(key, m.some(24), aad, plain)))
        room, row = m.some(16), m.some(16)
        table = ("patient", "draft")[i]
        aad = enc("crs1/row", room, user, table, row, i)
        m.case("row", table, ("key", key), ("room", room), ("user", user), ("table", table),
               ("row", row), ("rev", i), ("plain", plain),
               ("sealed", aead(key, m.some(24), aad, plain)))


def make_shares(m, c):
    for k, n, kind in ((2, 3, "x25519"), (3, 5, "ed25519")):
        key, coefficients = m.some(32), [m.some(32) for _ in range(k - 1)]
        pk = c.x_pk(key) if kind == "x25519" else c.ed_pk(key)
        texts = [share_text(k, n, x, pk, share_y(key, coefficients, x)) for x in range(1, n + 1)]
        m.case("shares", f"{k}-of-{n}", ("type", 1 if kind == "x25519" else 2), ("key", key),
               ("pk", pk), ("k", k), ("n", n), *[("share", t) for t in texts])


def check_anchor(c):
    """The parts of 2.17 this script can compute: if these differ, the script is wrong."""
    clinic, user = bytes(range(0xA0, 0xB0)), bytes(range(0xB0, 0xC0))
    a = bytes.fromhex("aad608b5866cef907f47d5cae529ed01a91301c92c5d5fef46e1a65e394e5742")
    prk = extract(bytes(range(0x20, 0x40)), a)
    uwk = expand(prk, enc("crs1/user-wrap", clinic, user, 1))
    box = kdf(b"", bytes(range(0x40, 0x60)), "crs1/box", clinic, user, 1)
    sealed = c.box(bytes(range(0x60, 0x80)), c.x_pk(box), "note-grant", (b"\1\2\3",), b"seal test")
    join_id = kdf(b"", bytes(range(0x80, 0x90)), "crs1/join-id")[:16]
    want = ("723b613b88cb0ffc7ab16967628f344263755be5a6636d6f4c309b18079b0bec",
            "90c6299383dec0e83e9a1893c0a343eba7c6b37837f2ffd770",
            "ecfc9fa30c640da67e491a2cbd33b318")
    if (uwk.hex(), sealed[33:].hex(), join_id.hex()) != want:
        sys.exit("vectors.py: the anchor vectors of SECURITY 2.17 do not come out")


FILES = {
    "primitives.txt": (make_primitives,),
    "formats.txt": (make_pass_keys, make_proofs, make_codes, make_ops, make_directory,
                    make_records, make_courier, make_join),
    "seal.txt": (make_keyrings, make_notes, make_rows, make_shares, make_salamanders),
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", default=os.path.join(here, "..", "data", "vectors"))
    arguments.add_argument("--check", action="store_true")
    chosen = arguments.parse_args()
    different = []
    with tempfile.TemporaryDirectory() as folder:
        curve = Curve(folder)
        check_anchor(curve)
        for name, makers in FILES.items():
            maker = Maker(name)
            for make in makers:
                make(maker, curve)
            path = os.path.join(chosen.out, name)
            if chosen.check:
                with open(path, encoding="utf-8") as f:
                    if f.read() != maker.text():
                        different.append(name)
            else:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(maker.text())
            print(f"{name}: {maker.count} cases")
    if different:
        sys.exit("vectors.py: differ from the committed files: " + ", ".join(different))


if __name__ == "__main__":
    main()
