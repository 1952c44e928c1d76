#!/usr/bin/env python3
"""The served description, judged and used by others: a public validator, a generated client, a fuzzer.

Prints one JSON object: `version`, `paths`, `schemas` (names of types), `inline` (paths that write in place what
stands once elsewhere: faults, and objects), `client` (what the generated client got), `schemathesis` (exit code and
the end of its report).
"""

import argparse
import importlib
import json
import os
import pathlib
import ssl
import subprocess
import sys
import urllib.parse

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

TOOLS = pathlib.Path(sys.executable).parent
SERVICE = "GBDFL_UniversalServiceSync"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="address of openapi.json")
    parser.add_argument("--trust", required=True, help="PEM: whom to believe")
    parser.add_argument("--cert", required=True, help="PEM: our certificate")
    parser.add_argument("--key", required=True, help="PEM: its key")
    parser.add_argument("--folder", required=True, help="where to work")
    parser.add_argument("--iin", required=True, help="a person that the register knows")
    parser.add_argument("--leave-out", action="append", default=[], help="operation not to be fuzzed")
    parser.add_argument("--examples", type=int, default=20, help="fuzzed calls of each operation")
    return parser.parse_args()


def run(command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)


def generated_client(args, document, file):
    """What a client that openapi-python-client wrote gets from the register of persons."""
    package = pathlib.Path(args.folder) / "generated" / "qaqpa_client"
    package.parent.mkdir()
    made = run([TOOLS / "openapi-python-client", "generate", "--path", file, "--meta", "none",
                "--output-path", package, "--fail-on-warning"],
               env={**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}"})
    if made.returncode != 0:
        raise SystemExit(made.stdout + made.stderr)
    sys.path.insert(0, str(package.parent))
    client_module = importlib.import_module("qaqpa_client")
    [operation] = package.rglob("api/**/gbdfl_universal_service_sync.py")
    dotted = ".".join(operation.relative_to(package.parent).with_suffix("").parts)
    call = importlib.import_module(dotted)
    context = ssl.create_default_context(cafile=args.trust)
    context.load_cert_chain(args.cert, args.key)
    base_url = urllib.parse.urljoin(args.url, document["servers"][0]["url"]).rstrip("/")
    client = client_module.Client(
        base_url=base_url, verify_ssl=context, raise_on_unexpected_status=True,
    )
    [body] = [kind for name, kind in vars(call).items()
              if isinstance(kind, type) and name == "GBDFLUniversalServiceSyncRequest"]
    answer = call.sync(client=client, body=body.from_dict({"iin": args.iin}))
    return answer.to_dict()


def fuzzed(args):
    """schemathesis over every operation; a check digit is more than a schema can say, so 400 is an
    answer that good-looking data may get too."""
    folder = pathlib.Path(args.folder)
    (folder / "schemathesis.toml").write_text(
        '[checks.positive_data_acceptance]\nexpected-statuses = ["2xx", 400, 409, 429]\n'
        # A service tells a refusal of its agency with 200; a bank's services are the bank's alone.
        '[[operations]]\ninclude-tag = "payments"\n'
        'checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 409, 429]\n'
        'checks.negative_data_rejection.expected-statuses = [200, "4xx"]\n'
        # A register is its bank's alone, and so is its run: to others there is none.
        '[[operations]]\ninclude-tag = "registers"\n'
        'checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 404, 409, 429]\n'
        '[[operations]]\ninclude-tag = "resources"\n'
        'checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404, 409, 422, 429]\n'
    )
    command = [TOOLS / "st", "--config-file", folder / "schemathesis.toml", "run", args.url,
               "--tls-verify", args.trust, "--request-cert", args.cert, "--request-cert-key", args.key,
               "--checks", "all", "--max-examples", args.examples, "--seed", "20261125",
               "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all"]
    for operation in args.leave_out:
        command += ["--exclude-operation-id", operation]
    done = run(command, cwd=folder, env={**os.environ, "REQUESTS_CA_BUNDLE": args.trust})
    return {"exit_code": done.returncode, "report": (done.stdout + done.stderr)[-20000:]}


def main():
    args = arguments()
    answer = requests.get(args.url, verify=args.trust, cert=(args.cert, args.key), timeout=30)
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    file = pathlib.Path(args.folder) / "openapi.json"
    file.write_text(answer.text)
    print(json.dumps({
        "version": document["openapi"],
        "paths": sorted(document["paths"]),
        "schemas": sorted(document["components"]["schemas"]),
        "inline": [path for path, item in document["paths"].items() if "/services/" in path
                   for status, response in item["post"]["responses"].items()
                   if status[0] in "45" and "$ref" not in response]
                  + [path for path, item in document["paths"].items() if '"properties":' in json.dumps(item)],
        "client": generated_client(args, document, file),
        "schemathesis": fuzzed(args),
    }, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
