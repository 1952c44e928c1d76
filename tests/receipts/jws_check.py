"""Judges a signed receipt (RFC 7515, compact) with a library that is not ours: document, then PEM."""

import base64
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding


def part(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


document = open(sys.argv[1]).read()
trusted = x509.load_pem_x509_certificate(open(sys.argv[2], "rb").read())
header, payload, signature = document.split(".")
head = json.loads(part(header))
certificate = x509.load_der_x509_certificate(base64.b64decode(head["x5c"][0]))
assert certificate.public_bytes(Encoding.DER) == trusted.public_bytes(Encoding.DER)
signed, signature = f"{header}.{payload}".encode(), part(signature)
key = certificate.public_key()
if head["alg"] == "RS256":
    key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
else:
    half = len(signature) // 2
    assert half == {"ES256": 32, "ES384": 48}[head["alg"]]
    r, s = (int.from_bytes(number, "big") for number in (signature[:half], signature[half:]))
    digest = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384()}[head["alg"]]
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(digest))
json.dump({"alg": head["alg"], "typ": head["typ"], "receipt": json.loads(part(payload))}, sys.stdout)
