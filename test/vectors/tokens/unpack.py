"""unpack.py FILE: takes a proof of a token transfer apart, into files that sha256sum and openssl read.

Needs Python 3 and cbor2. docs/tokens.md says what to do with the files. It checks nothing itself but
the way to the settled root, and has nothing in common with the code that makes or checks proofs.
"""

import base64
import hashlib
import json
import sys

import cbor2


def raw(one):
    text = one["$bytes"]
    return base64.b64decode(text + "=" * (-len(text) % 4))


def key(did):
    # A did:key of P-256 is base58 of 80 24 and the compressed point.
    value = 0
    for letter in did[len("did:key:z"):]:
        value = value * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(letter)
    point = value.to_bytes(35, "big")[2:]
    return bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point


def der(signature):
    # From r and s of 32 bytes each to what openssl reads.
    def number(part):
        part = part.lstrip(b"\0")
        part = (b"\0" if part[0] > 127 else b"") + part
        return bytes([2, len(part)]) + part
    body = number(signature[:32]) + number(signature[32:])
    return bytes([0x30, len(body)]) + body


def write(name, data):
    open(name, "wb").write(data)


def up(leaf, index, count, path):
    # RFC 9162, 2.1.3.2: the root that a way leads to.
    last, node = count - 1, hashlib.sha256(b"\0" + leaf).digest()
    for beside in path:
        if index % 2 == 1 or index == last:
            node = hashlib.sha256(b"\1" + beside + node).digest()
            while index % 2 == 0 and index != 0:
                index, last = index // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + beside).digest()
        index, last = index // 2, last // 2
    return node if last == 0 else None


def encode(record):
    return cbor2.dumps(record, canonical=True)

proof = json.load(open(sys.argv[1]))
epochs = [cbor2.loads(raw(one)) for one in proof["epochs"]]
for one in epochs:
    bare = {name: value for name, value in one.items() if name != "signatures"}
    write(f"epoch{one['epoch']}.cbor", encode(bare))
    for by in one["signatures"]:
        write(f"epoch{one['epoch']}.{by['validator'][8:18]}.sig", der(by["signature"]))
transfer = cbor2.loads(raw(proof["transfer"]))
content = {name: value for name, value in transfer.items() if name != "signatures"}
content["$sig"] = {"$type": "co.kendev.tokens.defs#transferId", "repository": proof["account"]}
write("transfer.cbor", encode(content))
certificate = cbor2.loads(raw(proof["certificate"]))
about = {n: v for n, v in certificate.items() if n not in ("$type", "attestations")}
print(json.dumps(about, indent=1))
keys = {one["did"]: one["key"] for epoch in epochs for one in epoch["validators"]}
for did, name in keys.items():
    write(f"{did[8:18]}.key", key(name))
for by in certificate["attestations"]:
    said = {n: by[n] for n in ("validator", "senderKey", "observedAt")}
    content = {"$type": "co.kendev.tokens.defs#attestation", **about, **said}
    write(f"{by['validator'][8:18]}.cbor", encode(content))
    write(f"{by['validator'][8:18]}.sig", der(by["signature"]))

if "settled" in proof:
    place = proof["settled"]
    leaf = encode({name: about[name] for name in ("account", "seq", "transfer")})
    end = epochs[about["epoch"] + 1]["handover"]
    root = up(leaf, place["index"], end["settledCount"], [raw(one) for one in place["path"]])
    print("settled:", root == end["settledRoot"])
