"""Hash, curves and encodings in plain Python, written from their specifications.

Slow and not constant in time: for making test vectors with public keys only.
"""

import hashlib
import hmac
import struct

# BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs)

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
MASK = 0xFFFFFFFF


def _mix(v, a, b, c, d, x, y):
    for word, right, left in ((x, 16, 12), (y, 8, 7)):
        v[a] = (v[a] + v[b] + word) & MASK
        t = v[d] ^ v[a]
        v[d] = (t >> right | t << (32 - right)) & MASK
        v[c] = (v[c] + v[d]) & MASK
        t = v[b] ^ v[c]
        v[b] = (t >> left | t << (32 - left)) & MASK


def _compress(chaining, block, counter, length, flags):
    m = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    v = list(chaining) + list(IV[:4]) + [counter & MASK, counter >> 32, length, flags]
    for _ in range(7):
        for i in range(4):
            _mix(v, i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            _mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[p] for p in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ chaining[i] for i in range(8)]


def _chunk(data, counter):
    """Arguments of the last compression of a chunk, without the flag of the root."""
    blocks = [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
    chaining = IV
    for n, block in enumerate(blocks):
        flags = (CHUNK_START if n == 0 else 0) | (CHUNK_END if n == len(blocks) - 1 else 0)
        if n == len(blocks) - 1:
            return chaining, block, counter, len(block), flags
        chaining = _compress(chaining, block, counter, 64, flags)[:8]


def _node(data, counter):
    if len(data) <= 1024:
        return _chunk(data, counter)
    left = 1024
    while left * 2 < len(data):
        left *= 2
    halves = (_node(data[:left], counter), _node(data[left:], counter + left // 1024))
    block = b"".join(struct.pack("<8I", *_compress(*half)[:8]) for half in halves)
    return IV, block, 0, 64, PARENT


def blake3(data, length):
    chaining, block, _, size, flags = _node(data, 0)
    out = b""
    for counter in range((length + 63) // 64):
        out += struct.pack("<16I", *_compress(chaining, block, counter, size, flags | ROOT))
    return out[:length]


# ECDSA on the two curves of atproto, nonces by RFC 6979


class Curve:
    def __init__(self, p, a, n, g, codec, alg):
        self.p, self.a, self.n, self.g, self.codec, self.alg = p, a, n, g, codec, alg

    def add(self, one, two):
        if one is None or two is None:
            return one or two
        (x1, y1), (x2, y2) = one, two
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if one == two:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def times(self, k):
        result, step = None, self.g
        while k:
            if k & 1:
                result = self.add(result, step)
            step, k = self.add(step, step), k >> 1
        return result


K256 = Curve(
    2**256 - 2**32 - 977,
    0,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    (
        0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    ),
    b"\xe7\x01",
    "ES256K",
)
P256 = Curve(
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    -3,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    b"\x80\x24",
    "ES256",
)


def _nonces(curve, secret, digest):
    key, v = b"\0" * 32, b"\1" * 32
    seed = secret.to_bytes(32, "big") + (int.from_bytes(digest, "big") % curve.n).to_bytes(32, "big")
    for mark in (b"\0", b"\1"):
        key = hmac.digest(key, v + mark + seed, "sha256")
        v = hmac.digest(key, v, "sha256")
    while True:
        v = hmac.digest(key, v, "sha256")
        k = int.from_bytes(v, "big")
        if 0 < k < curve.n:
            yield k
        key = hmac.digest(key, v + b"\0", "sha256")
        v = hmac.digest(key, v, "sha256")


class Key:
    def __init__(self, curve, text):
        self.curve = curve
        self.secret = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") % curve.n
        x, y = curve.times(self.secret)
        self.did = "did:key:z" + base58(curve.codec + bytes([2 + y % 2]) + x.to_bytes(32, "big"))

    def hex(self):
        return self.secret.to_bytes(32, "big").hex()

    def sign(self, data, high=False):
        digest = hashlib.sha256(data).digest()
        n = self.curve.n
        for k in _nonces(self.curve, self.secret, digest):
            r = self.curve.times(k)[0] % n
            s = pow(k, -1, n) * (int.from_bytes(digest, "big") + r * self.secret) % n
            if r and s:
                low = min(s, n - s)
                return r.to_bytes(32, "big") + (n - low if high else low).to_bytes(32, "big")


def der(signature):
    """The same signature as X.509 writes it."""
    parts = b""
    for half in (signature[:32], signature[32:]):
        number = half.lstrip(b"\0")
        number = b"\0" + number if number[0] & 0x80 else number
        parts += bytes([2, len(number)]) + number
    return bytes([0x30, len(parts)]) + parts


# Encodings


def base58(data):
    digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = digits[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base32(data):
    digits = "abcdefghijklmnopqrstuvwxyz234567"
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(digits[int(bits[i : i + 5], 2)] for i in range(0, len(bits), 5))


class Link(bytes):
    """A CID inside DAG-CBOR."""


def cid(block, codec=0x71):
    return Link(bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(block).digest())


def cid_text(link):
    return "b" + base32(link)


def cbor_head(major, value):
    for info, size, limit in ((None, 0, 24), (24, 1, 256), (25, 2, 2**16), (26, 4, 2**32)):
        if value < limit:
            first = major << 5 | (value if info is None else info)
            return bytes([first]) + (value.to_bytes(size, "big") if size else b"")
    raise ValueError("too large")


def cbor(value):
    """DAG-CBOR of what the vectors hold."""
    if isinstance(value, Link):
        return b"\xd8\x2a" + cbor(b"\0" + bytes(value))
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    if isinstance(value, str):
        return cbor_head(3, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return cbor_head(0, value)
    if isinstance(value, list):
        return cbor_head(4, len(value)) + b"".join(map(cbor, value))
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return cbor_head(5, len(value)) + b"".join(cbor(key) + cbor(value[key]) for key in keys)


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def car_section(*parts):
    data = b"".join(parts)
    return varint(len(data)) + data


assert blake3(b"", 32).hex().startswith("af1349b9f5f9a1a6a0404dea36dcc949")
assert K256.times(K256.n) is None and P256.times(P256.n) is None
