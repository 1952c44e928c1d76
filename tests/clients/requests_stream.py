"""Streams a body up in chunks and one down through the gateway with requests; tells what it saw as JSON.

usage: requests_stream.py BASE_URL TRUST CERTIFICATE KEY
"""

import hashlib
import json
import sys

import requests

base, trust, certificate, key = sys.argv[1:]
session = requests.Session()
# The machine's own bundle of roots must not stand in for the test's.
session.trust_env = False
session.verify, session.cert = trust, (certificate, key)

sent = hashlib.sha256()


def pieces():
    for number in range(200):
        piece = bytes([number]) * 40_000
        sent.update(piece)
        yield piece


written = session.post(f"{base}/office/files/a", data=pieces(), timeout=60)
written.raise_for_status()

read = hashlib.sha256()
read_bytes = 0
with session.get(f"{base}/office/files/8000000", stream=True, timeout=60) as answer:
    answer.raise_for_status()
    for piece in answer.iter_content(65536):
        read.update(piece)
        read_bytes += len(piece)

json.dump(
    {
        "sent_sha256": sent.hexdigest(),
        "answered_sha256": written.text,
        "entry": written.headers["Qaqpa-Entry"],
        "read_bytes": read_bytes,
        "read_sha256": read.hexdigest(),
        "forbidden": session.get(f"{base}/office/other", timeout=60).status_code,
    },
    sys.stdout,
)
