#!/usr/bin/env python3
"""A stock HTTP client: calls a service with `requests` over mutual TLS. Prints one JSON object."""

import argparse
import json
import sys

import requests


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="address of the service")
    parser.add_argument("--trust", required=True, help="PEM: whom to believe")
    parser.add_argument("--cert", required=True, help="PEM: our certificate")
    parser.add_argument("--key", required=True, help="PEM: its key")
    parser.add_argument("--body", required=True, help="JSON")
    parser.add_argument("--idempotency-key")
    parser.add_argument("--language")
    args = parser.parse_args()

    headers = {}
    if args.idempotency_key:
        headers["Idempotency-Key"] = args.idempotency_key
    if args.language:
        headers["Accept-Language"] = args.language
    answer = requests.post(
        args.url, json=json.loads(args.body), headers=headers, verify=args.trust,
        cert=(args.cert, args.key), timeout=30,
    )
    print(json.dumps({
        "http_status": answer.status_code, "headers": dict(answer.headers), "body": answer.json(),
    }, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
