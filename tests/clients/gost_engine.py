"""openssl's GOST engine behind lines of text: an implementation of the curves that is not ours.

One command a line, one answer a line, everything in hexadecimal. The engine writes a signature as s then r
with the first byte first; whoever asks turns it around.
"""

import ctypes
import sys
import time

KINDS = {
    "gost2004": ("gost2001", b"A", 32),
    "gost2015_256": ("gost2012_256", b"TCA", 32),
    "gost2015_512": ("gost2012_512", b"A", 64),
}
ENGINE_METHOD_ALL = 0xFFFF


def library():
    crypto = ctypes.CDLL("libcrypto.so.3")
    pointers = (
        "ENGINE_by_id EVP_PKEY_CTX_new_id EVP_PKEY_CTX_new d2i_PUBKEY ENGINE_get_first ENGINE_get_next"
        " ENGINE_get_digest"
    )
    for name in pointers.split():
        getattr(crypto, name).restype = ctypes.c_void_p
    return crypto


crypto = library()


def check(result, what):
    if not result or result < 0:
        raise SystemExit(f"gost_engine: {what} failed")
    return result


def load(path):
    crypto.ENGINE_load_builtin_engines() if hasattr(crypto, "ENGINE_load_builtin_engines") else None
    engine = ctypes.c_void_p(check(crypto.ENGINE_by_id(b"dynamic"), "dynamic engine"))
    for name, value in ((b"SO_PATH", path.encode()), (b"ID", b"gost"), (b"LOAD", None)):
        check(crypto.ENGINE_ctrl_cmd_string(engine, name, value, 0), name.decode())
    check(crypto.ENGINE_init(engine), "ENGINE_init")
    check(crypto.ENGINE_set_default(engine, ENGINE_METHOD_ALL), "ENGINE_set_default")
    return engine


class Key:
    """One key pair, or one public key."""

    def __init__(self, pkey):
        self.pkey = pkey
        self.context = ctypes.c_void_p(check(crypto.EVP_PKEY_CTX_new(pkey, None), "context"))

    @classmethod
    def new(cls, kind):
        name, parameters, _ = KINDS[kind]
        nid = check(crypto.OBJ_sn2nid(name.encode()), f"no {name}")
        context = ctypes.c_void_p(check(crypto.EVP_PKEY_CTX_new_id(nid, None), "keygen context"))
        check(crypto.EVP_PKEY_keygen_init(context), "keygen_init")
        check(crypto.EVP_PKEY_CTX_ctrl_str(context, b"paramset", parameters), "paramset")
        pkey = ctypes.c_void_p()
        check(crypto.EVP_PKEY_keygen(context, ctypes.byref(pkey)), "keygen")
        crypto.EVP_PKEY_CTX_free(context)
        return cls(pkey)

    @classmethod
    def public(cls, der):
        start = ctypes.c_char_p(der)
        pkey = crypto.d2i_PUBKEY(None, ctypes.byref(start), len(der))
        return cls(ctypes.c_void_p(pkey)) if pkey else None

    def spki(self):
        size = check(crypto.i2d_PUBKEY(self.pkey, None), "i2d_PUBKEY")
        buffer = ctypes.create_string_buffer(size)
        start = ctypes.c_void_p(ctypes.addressof(buffer))
        crypto.i2d_PUBKEY(self.pkey, ctypes.byref(start))
        return buffer.raw

    def sign(self, digest):
        check(crypto.EVP_PKEY_sign_init(self.context), "sign_init")
        size = ctypes.c_size_t(256)
        out = ctypes.create_string_buffer(256)
        done = crypto.EVP_PKEY_sign(
            self.context, out, ctypes.byref(size), digest, ctypes.c_size_t(len(digest))
        )
        check(done, "sign")
        return out.raw[: size.value]

    def verify(self, digest, signature):
        check(crypto.EVP_PKEY_verify_init(self.context), "verify_init")
        length = ctypes.c_size_t(len(signature))
        done = crypto.EVP_PKEY_verify(
            self.context, signature, length, digest, ctypes.c_size_t(len(digest))
        )
        return done == 1

    def free(self):
        crypto.EVP_PKEY_CTX_free(self.context)
        crypto.EVP_PKEY_free(self.pkey)


def hashed(engine, kind, data):
    nid = check(crypto.OBJ_sn2nid({"gost2015_512": b"md_gost12_512", "gost2015_256": b"md_gost12_256"}[kind]), kind)
    method = ctypes.c_void_p(check(crypto.ENGINE_get_digest(engine, nid), "digest"))
    out, size = ctypes.create_string_buffer(64), ctypes.c_uint(64)
    check(crypto.EVP_Digest(data, ctypes.c_size_t(len(data)), out, ctypes.byref(size), method, None), "EVP_Digest")
    return out.raw[: size.value]


def speed(kind, rounds):
    """Microseconds of one signature and of one verification, the best of the rounds.

    Each is one call of libcrypto, made ready beforehand; what Python takes for it is in the figure, less than 1 µs.
    """
    key = Key.new(kind)
    digest = bytes(range(KINDS[kind][2]))
    signature = key.sign(digest)
    length, out, size = ctypes.c_size_t(len(digest)), ctypes.create_string_buffer(256), ctypes.c_size_t(256)
    room, given = ctypes.byref(size), ctypes.c_size_t(len(signature))

    def best(work):
        count = 20
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            for _ in range(count):
                work()
            times.append((time.perf_counter() - start) / count)
        return min(times) * 1e6

    check(crypto.EVP_PKEY_sign_init(key.context), "sign_init")
    signed = best(lambda: check(crypto.EVP_PKEY_sign(key.context, out, room, digest, length), "sign"))
    check(crypto.EVP_PKEY_verify_init(key.context), "verify_init")
    verify = crypto.EVP_PKEY_verify
    return signed, best(lambda: check(verify(key.context, signature, given, digest, length), "verify"))


def main():
    engine = load(sys.argv[1])
    own = {kind: Key.new(kind) for kind in KINDS}
    prefix = {kind: key.spki()[: -2 * KINDS[kind][2]] for kind, key in own.items()}
    public = {}
    for line in sys.stdin:
        command, kind, *words = line.split()
        if command == "new":
            own[kind].free()
            own[kind] = Key.new(kind)
            answer = own[kind].spki()[-2 * KINDS[kind][2] :].hex()
        elif command == "sign":
            answer = own[kind].sign(bytes.fromhex(words[0])).hex()
        elif command == "digest":
            answer = hashed(engine, kind, bytes.fromhex(words[0])).hex()
        elif command == "key":
            if public.get(kind):
                public[kind].free()
            public[kind] = Key.public(prefix[kind] + bytes.fromhex(words[0]))
            answer = "ok" if public[kind] else "refused"
        elif command == "verify":
            digest, signature = (bytes.fromhex(word) for word in words)
            answer = "1" if public[kind].verify(digest, signature) else "0"
        else:
            answer = "{:.2f} {:.2f}".format(*speed(kind, int(words[0])))
        print(answer, flush=True)


main()
