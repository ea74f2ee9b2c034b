"""Writes the vectors beside it. `--check` writes nothing and fails where a file would change."""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

sys.dont_write_bytecode = True
from primitives import (  # noqa: E402
    K256,
    Key,
    P256,
    blake3,
    car_section,
    cbor,
    cbor_head,
    cid,
    cid_text,
    der,
)

AUTHORITY = "did:web:shop.example"
AUTHOR = "did:plc:z72i7hdynmk6r22z27h6tvur"
SPACE = f"at://{AUTHORITY}/space/com.example.room/staff"
OTHER = f"at://{AUTHORITY}/space/com.example.room/members"
REV = "3kbcq3p7ad422"
NOW = 1790000000
ACCOUNT = {"k256": Key(K256, "account on k256"), "p256": Key(P256, "account on p256")}
STRANGER = Key(K256, "stranger")
HOLDER = Key(P256, "holder of a credential")
THIEF = Key(P256, "thief of a credential")


def text(data):
    return base64.b64encode(data).decode().rstrip("=")


def set_state(elements):
    lanes = [0] * 1024
    for element in elements:
        expanded = blake3(element.encode(), 2048)
        for n in range(1024):
            lanes[n] = (lanes[n] + int.from_bytes(expanded[2 * n : 2 * n + 2], "little")) % 2**16
    return b"".join(lane.to_bytes(2, "little") for lane in lanes)


def set_hash():
    known = [
        ([], "e5a00aa9991ac8a5ee3109844d84a55583bd20572ad3ffcd42792f3c36b183ad"),
        (["one"], "54bdbf9b4d472e2ec7b2e8712614c2f84240731b52b74f4e53542363a18d2df0"),
        (["one", "two"], "ae05cb6d224379d9710c290c8529945c5b0e0fde9ead30b9699057ce701c63e7"),
        (
            ["app.bsky.feed.post/1/bafyreidefdycgbfy3oglcb6ism3eqhyp5llsrpzxjsuac2gsy4mtrtx244"],
            "133dd2e66ca12b0f7d7eec6ff351a9418b460bd388875ef7f9a03fd1ebe5faae",
        ),
    ]
    long = "com.example.note/" + "k" * 512 + "/" + cid_text(cid(b"long"))
    more = [["two", "one"], ["one", "one"], ["", "ä€𝄞"], [long], [f"{n}" * 700 for n in range(3)]]
    vectors = []
    for elements, expected in known + [(elements, None) for elements in more]:
        state = set_state(elements)
        digest = hashlib.sha256(state).hexdigest()
        assert expected in (None, digest)
        vectors.append({"elements": elements, "stateBegins": state[:16].hex(), "hash": digest})
    return {"vectors": vectors}


def context(space, author, rev, ikm):
    fields = (space.encode(), author.encode(), rev.encode(), ikm)
    return b"atproto-space-v1" + b"".join(len(f).to_bytes(2, "big") + f for f in fields)


def mac_of(ikm, ctx, digest):
    key = hmac.digest(ikm, ctx + b"\1", "sha256")
    return hmac.digest(key, digest, "sha256")


def commit_of(key, digest, space=SPACE, author=AUTHOR, rev=REV, high=False):
    ikm = hashlib.sha256(rev.encode()).digest()
    ctx = context(space, author, rev, ikm)
    sig = key.sign(ctx, high)
    return {"ver": 1, "hash": digest, "ikm": ikm, "sig": sig, "mac": mac_of(ikm, ctx, digest), "rev": rev}


def as_json(commit):
    return {k: {"$bytes": text(v)} if isinstance(v, bytes) else v for k, v in commit.items()}


def commits():
    digest = bytes.fromhex("133dd2e66ca12b0f7d7eec6ff351a9418b460bd388875ef7f9a03fd1ebe5faae")
    macs = []
    for space, author, rev, ikm in (
        ("at://did:example:space/space/app.bsky.group/test", "did:example:alice", "3kbcq3p7ad400", b"\7" * 32),
        (SPACE, AUTHOR, REV, bytes(range(32))),
    ):
        ctx = context(space, author, rev, ikm)
        of = {"space": space, "author": author, "rev": rev, "ikm": ikm.hex(), "hash": digest.hex()}
        macs.append({**of, "context": ctx.hex(), "mac": mac_of(ikm, ctx, digest).hex()})
    assert macs[0]["mac"] == "4233d3acc63edf31b664b63ed11ed422dd421123fd3b3079e45fc643c0d5f3bf"
    vectors = []
    for curve, key in ACCOUNT.items():
        good = commit_of(key, digest)
        flipped = bytes([good["mac"][0] ^ 1]) + good["mac"][1:]
        cases = [
            (None, good),
            ("BadVersion", {**good, "ver": 2}),
            ("BadRev", commit_of(key, digest, rev="3kbcq3p7ad400")),
            ("BadMac", {**good, "mac": flipped}),
            ("BadMac", {**good, "hash": hashlib.sha256(b"").digest()}),
            ("BadMac", {**good, "rev": "3kbcq3p7ad423"}),
            ("BadMac", {**good, "ikm": good["ikm"][:31]}),
            ("BadMac", commit_of(key, digest, space=OTHER)),
            ("BadMac", commit_of(key, digest, author=AUTHORITY)),
            ("BadSignature", commit_of(STRANGER, digest)),
            ("BadSignature", commit_of(key, digest, high=True)),
            ("BadSignature", {**good, "sig": good["sig"][:63]}),
        ]
        for fault, commit in cases:
            by = {"curve": curve, "privateKey": key.hex(), "signingKey": key.did}
            of = {"space": SPACE, "author": AUTHOR, "commit": as_json(commit)}
            vectors.append({"fault": fault, **by, **of})
    return {"contexts": macs, "vectors": vectors}


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(key, header, claims, high=False, sign=None):
    header = {"alg": key.curve.alg, **header}
    parts = [url64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
    signed = ".".join(parts)
    signature = sign(signed.encode()) if sign else key.sign(signed.encode(), high)
    return f"{signed}.{url64(signature)}"


def tampered(good, at):
    return good[:at] + ("B" if good[at] == "A" else "A") + good[at + 1 :]


def token_cases(key, header, claims):
    """What is wrong with any kind of token: its form, its times and its signature."""
    good = token(key, header, claims)
    make = lambda **change: token(key, header, {**claims, **change})  # noqa: E731
    without = lambda name: token(key, header, {k: v for k, v in claims.items() if k != name})  # noqa: E731
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return [
        (None, good),
        ("BadJwt", "", "a.b.c", good + "=", good + ".a", good.rsplit(".", 1)[0], "a" * 5000),
        # Four bits of the last character are not part of the signature and have to be zero.
        ("BadJwt", good[:-1] + digits[digits.index(good[-1]) + 1]),
        ("BadJwt", token(key, {**header, "crit": ["exp"]}, claims)),
        ("BadJwt", without("iat"), without("exp"), make(exp="soon"), make(exp=claims["iat"])),
        ("BadJwtType", token(key, {**header, "typ": "JWT"}, claims)),
        ("BadJwtKey", token(key, {**header, "kid": "#other"}, claims)),
        ("BadJwtAlgorithm", token(key, {**header, "alg": "none"}, claims)),
        ("BadJwtAlgorithm", token(key, {**header, "alg": "HS256"}, claims)),
        ("BadJwtIssuer", make(iss=AUTHOR + "#atproto"), without("iss")),
        ("BadJwtSubject", make(sub=OTHER), without("sub")),
        ("BadJwt", make(padding="a" * 4096)),
        ("BadJwtId", make(jti="\ud800")),
        ("BadJwtId", make(jti=""), make(jti="a" * 257), make(jti="\0"), make(jti=7), without("jti")),
        ("JwtExpired", make(iat=NOW - 66, exp=NOW - 6)),
        (None, make(iat=NOW - 62, exp=NOW - 4)),
        ("JwtNotYetValid", make(iat=NOW + 6, exp=NOW + 60), make(nbf=NOW + 6)),
        (None, make(iat=NOW + 4, exp=NOW + 60)),
        ("BadJwtSignature", token(STRANGER, header, claims)),
        ("BadJwtSignature", token(THIEF, {**header, "alg": key.curve.alg}, claims)),
        ("BadJwtSignature", token(key, {**header, "alg": other_alg(key)}, claims)),
        ("BadJwtSignature", token(key, header, claims, high=True)),
        ("BadJwtSignature", token(key, header, claims, sign=lambda data: der(key.sign(data)))),
        ("BadJwtSignature", tampered(good, len(good) - 40)),
    ]


def other_alg(key):
    return "ES256" if key.curve.alg == "ES256K" else "ES256K"


def tokens():
    delegations, credentials = [], []
    for key in ACCOUNT.values():
        header = {"typ": "atproto-space-delegation+jwt", "kid": "#atproto"}
        times = {"iat": NOW, "exp": NOW + 60}
        aud = f"{AUTHORITY}#atproto_space_host"
        claims = {"iss": AUTHOR, "sub": SPACE, "aud": aud, **times, "jti": "5f3c"}
        make = lambda **change: token(key, header, {**claims, **change})  # noqa: E731, B023
        cases = token_cases(key, header, claims) + [
            ("BadJwtAudience", make(aud=AUTHORITY), make(aud=f"{AUTHOR}#atproto_space_host")),
            ("BadJwtLexiconMethod", make(lxm="com.example.method")),
            ("JwtTooLong", make(exp=NOW + 61)),
        ]
        for fault, *texts in cases:
            for one in texts:
                by = {"space": SPACE, "now": NOW, "signingKey": key.did}
                delegations.append({"fault": fault, "token": one, **by})
        for kid in ("#atproto", "#atproto_space"):
            header = {"typ": "atproto-space-credential+jwt", "kid": kid}
            times = {"iat": NOW, "exp": NOW + 600}
            cnf = {"kid": HOLDER.did}
            claims = {"iss": AUTHORITY, "sub": SPACE, **times, "jti": "5f3c", "cnf": cnf}
            cases = token_cases(key, header, claims) + [
                (None, make(exp=NOW + 3600)),
                ("BadJwtIssuer", make(iss=AUTHOR)),
                ("BadJwtAudience", make(aud=AUTHOR)),
                ("BadJwtCnf", make(cnf=None), make(cnf={"jkt": "a"}), make(cnf={"kid": STRANGER.did})),
                ("JwtTooLong", make(exp=NOW + 3601)),
            ]
            for fault, *texts in cases:
                for one in texts:
                    by = {"space": SPACE, "now": NOW, "keys": {kid: key.did}}
                    credentials.append({"fault": fault, "token": one, **by, "key": HOLDER.did})
    return {"delegations": delegations, "credentials": credentials}


def request(authorization, params, audience=None, key=HOLDER, sign=None, label="atproto-space"):
    lines = [f'"authorization": {authorization}']
    if audience is not None:
        lines.append(f'"atproto-space-audience": {audience}')
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    signature = base64.b64encode((sign or key.sign)(base.encode())).decode()
    headers = {"authorization": [authorization]}
    if audience is not None:
        headers["atproto-space-audience"] = [audience]
    headers["signature-input"] = [f"{label}={params}"]
    headers["signature"] = [f"{label}=:{signature}:"]
    return base, headers


def http_signatures():
    alg = ';alg="ecdsa-p256-sha256"'
    uses, exchanges = [], []
    covered = '("authorization" "atproto-space-audience")'
    bearer, credential = "Bearer a.b.c", "Atproto-Space a.b.c"

    def use(fault, made, **change):
        base, headers = made
        headers = {k: v for k, v in {**headers, **change}.items() if v is not None}
        uses.append({"fault": fault, "headers": headers, "audience": AUTHOR, "key": HOLDER.did, "base": base})

    def exchange(fault, made, **change):
        base, headers = made
        headers = {k: v for k, v in {**headers, **change}.items() if v is not None}
        exchanges.append({"fault": fault, "headers": headers, "token": "a.b.c", "key": HOLDER.did, "base": base})

    def signed(params=covered, **change):
        return request(credential, params, **{"audience": AUTHOR, **change})

    good = signed()
    _, headers = good
    value = headers["signature"][0]
    bad = "BadSpaceSignature"
    use(None, good)
    for params in (alg, f';keyid="{HOLDER.did}"', f';created={NOW};nonce="a\\"b";x;y=?0;z=*t;w=:AAE=:;v=1.5'):
        use(None, signed(covered + params))
    use(None, signed(sign=lambda data: HOLDER.sign(data, True)))
    other = {"signature-input": ["other=(\"@method\");created=1, " + headers["signature-input"][0]]}
    use(None, good, **other, signature=["other=:AAE=:", value])
    spaced = headers["signature-input"][0].replace('" "', '"  "')
    use(None, good, **{"signature-input": [spaced]})
    use(None, good, authorization=[f" {credential} "])
    use("BadSpaceAudience", signed(audience=AUTHORITY))
    use(bad, good, **{"atproto-space-audience": [AUTHORITY]})
    for name in headers:
        use(bad, good, **{name: None})
        use(bad, good, **{name: headers[name] * 2})
    use(bad, good, authorization=["Atproto-Space a.b.d"])
    use(bad, request(bearer, covered, AUTHOR))
    use(bad, signed(key=THIEF))
    use(bad, signed(sign=lambda data: der(HOLDER.sign(data))))
    use(bad, signed(covered + ';alg="ecdsa-p384-sha384"'))
    use(bad, signed(covered + ";alg=ecdsa-p256-sha256"))
    use(bad, signed(covered + f';keyid="{THIEF.did}"'))
    use(bad, signed(covered + ";a=1;a=2"))
    use(bad, good, **{"signature-input": [headers["signature-input"][0] + alg]})
    for params in (
        '("authorization")',
        '("atproto-space-audience")',
        '("atproto-space-audience" "authorization")',
        '("authorization" "atproto-space-audience" "@method")',
        '("authorization" "authorization" "atproto-space-audience")',
        '("authorization";sf "atproto-space-audience")',
        '("authorization""atproto-space-audience")',
        '("authorization" "atproto-space-audience"',
        '"authorization"',
        "(authorization atproto-space-audience)",
        "",
    ):
        use(bad, signed(params))
    for broken in ("atproto-space", "atproto-space=AAE=", "atproto-space=:AAE=:", value[:-1], value + ";a"):
        use(bad, good, signature=[broken])
    # Four bits before the padding are not part of the signature and have to be zero.
    use(bad, good, signature=[value[:-4] + chr(ord(value[-4]) + 1) + value[-3:]])
    use(bad, signed(label="atproto"))
    many = ", ".join(f'l{n}=("a")' for n in range(8))
    use(bad, good, **{"signature-input": [many + ", " + headers["signature-input"][0]]})
    use(bad, good, **{"signature-input": [headers["signature-input"][0] + ", l=" + '"' + "a" * 4096 + '"']})

    keyid = f'("authorization");keyid="{HOLDER.did}"'
    exchange(None, request(bearer, keyid))
    exchange(None, request(bearer, keyid + alg))
    exchange(None, request(bearer, keyid, sign=lambda data: HOLDER.sign(data, True)))
    for params in ('("authorization")', '("authorization");keyid', '("authorization");keyid=1'):
        exchange(bad, request(bearer, params))
    exchange(bad, request(bearer, f'("authorization");keyid="{STRANGER.did}"', key=STRANGER))
    exchange(bad, request(bearer, f'("authorization");keyid="{THIEF.did}"'))
    exchange(bad, request(bearer, keyid, sign=lambda data: der(HOLDER.sign(data))))
    exchange(bad, request(credential, keyid))
    exchange(bad, request(bearer, covered + f';keyid="{HOLDER.did}"', AUTHOR))
    exchange(bad, request(bearer, keyid), authorization=[bearer, bearer])
    exchange(bad, request(bearer, keyid), authorization=["Bearer a.b.d"])
    return {"uses": uses, "exchanges": exchanges}


def repo_cars():
    vectors = []
    blocks = {key: cbor({"text": key}) for key in ("a", "bb", "aaa", "z" * 300)}
    three = [(f"com.example.note/{key}", block) for key, block in blocks.items()]
    (a, b, c, d) = three

    def index_of(entries):
        return cbor_head(5, len(entries)) + b"".join(cbor(path) + cbor(cid(block)) for path, block in entries)

    def case(fault, index=three, data=None, values=True, change=None, **parts):
        elements = [f"{path}/{cid_text(cid(block))}" for path, block in index]
        digest = hashlib.sha256(set_state(elements)).digest()
        commit = parts.get("commit", cbor(commit_of(ACCOUNT["k256"], digest)))
        listed = parts.get("listed", index_of(index))
        roots = parts.get("roots", [cid(commit), cid(listed)])
        header = parts.get("header", cbor({"version": 1, "roots": roots}))
        sections = [(cid(commit), commit), (cid(listed), listed)]
        named = data if data is not None else [(cid(block), block) for _, block in index]
        car = car_section(header) + b"".join(car_section(*one) for one in sections + named)
        car = change(car) if change else car
        entries = [{"path": path, "cid": cid_text(cid(block))} for path, block in index]
        vectors.append({"fault": fault, "values": values, "hash": digest.hex(), "entries": entries, "car": text(car)})

    cids = [(cid(block), block) for _, block in three]
    case(None)
    case(None, index=[])
    case(None, index=[a, ("com.example.note/b", a[1])])
    case(None, data=[], values=False)
    case("ExtraBlock", values=False)
    case("ExtraBlock", data=cids + cids[:1])
    case("ExtraBlock", change=lambda car: car + b"\0")
    case("MissingBlock", data=cids[:3])
    case("MissingBlock", data=[])
    case("WrongBlock", data=[cids[1], cids[0], *cids[2:]])
    case("WrongBlock", data=[cids[0], *cids[2:], cids[1]])
    case("WrongBlock", roots=[cid(b"another"), cid(index_of(three))])
    case("BadBlockHash", data=[(cids[0][0], b[1]), *cids[1:]])
    case("BadBlockCid", data=[(cid(a[1], codec=0x55), a[1]), *cids[1:]])
    case("Truncated", change=lambda car: car[:-1])
    case("BadLength", change=lambda car: car + b"\xff" * 6, data=cids[:3])
    case("BlockTooLarge", change=lambda car: car + b"\xff\xff\xff\xff\x07", data=cids[:3])
    case("BadHeader", header=cbor({"version": 2, "roots": [cid(b""), cid(b"")]}))
    case("BadHeader", header=cbor({"version": 1, "roots": [cid(b"")]}))
    case("BadHeader", header=cbor({"version": 1, "roots": [cid(b""), cid(b""), cid(b"")]}))
    case("BadCommit", commit=cbor({"ver": 1, "rev": REV}))
    case("BadCommit", commit=cbor({**commit_of(STRANGER, b"\1" * 32), "hash": "text"}))
    case("BadCommit", commit=b"\x81" * 500 + b"\x80")
    case("DuplicatePath", index=[a, a])
    case("WrongOrder", index=[b, a])
    case("WrongOrder", index=[a, c, b])
    case("WrongOrder", index=[a, d, b])
    case("BadPath", index=[("note/a", a[1])])
    case("BadPath", index=[("com.example.note/..", a[1])])
    case("BadPath", index=[("com.example.note/a/b", a[1])])
    case("BadPath", index=[("com.example.note/ä", a[1])])
    case("BadIndex", listed=cbor([]))
    case("BadIndex", listed=b"\xb8\x00")
    case("BadIndex", listed=index_of(three) + b"\0")
    case("BadIndex", listed=cbor({a[0]: "no link"}))
    case("BadIndex", listed=cbor({a[0]: cid(a[1], codec=0x55)}))
    case("TooManyRecords", listed=b"\xba\xff\xff\xff\xff")
    for fault, block in (
        ("BadRecord", cbor("text")),
        ("BadRecord", b"\xa1\x61"),
        ("BadRecord", b"\xa0\xa0"),
        ("RecordTooDeep", cbor({"a": 0})[:-1] + b"\x81" * 40 + b"\0"),
    ):
        case(fault, index=[("com.example.note/1", block)])
    by = {"space": SPACE, "author": AUTHOR, "signingKey": ACCOUNT["k256"].did}
    return {**by, "vectors": vectors}


def main():
    here = pathlib.Path(__file__).parent
    made = {
        "set-hash": set_hash(),
        "commit": commits(),
        "token": tokens(),
        "http-signature": http_signatures(),
        "repo-car": repo_cars(),
    }
    for name, value in made.items():
        path = here / f"{name}.json"
        out = json.dumps(value, indent=1, ensure_ascii=True) + "\n"
        if "--check" not in sys.argv:
            path.write_text(out)
        elif path.read_text() != out:
            sys.exit(f"{path.name} is not what generate.py makes")


main()
