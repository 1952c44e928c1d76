"""A PKI of certomancer's with its responder, lists and time stamps, and a way to make the responder misbehave.

Writes certificates into the folder given, prints its port, and serves until its standard input ends.
GET /mode/WORD sets how it answers, GET /count says how many questions came.
"""
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from socketserver import ThreadingMixIn

import yaml
from asn1crypto import ocsp, pem
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

folder = Path(sys.argv[1])
NAMES = ["root", "interm", "responder", "tsa", "lost", "good", "revoked", "held", "other"]
now = datetime.now(tz=timezone.utc).replace(microsecond=0)
day = timedelta(days=1)


def text(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")


keys = folder / "keys"
keys.mkdir(parents=True, exist_ok=True)
for name in NAMES:
    key = ec.generate_private_key(ec.SECP256R1())
    (keys / f"{name}.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

always = {"valid-from": text(now - 900 * day), "valid-to": text(now + 900 * day)}


def leaf(**more):
    return {"issuer": "interm", "validity": always, "profiles": ["digsig-commitment"], **more}


def authority(**more):
    return {"issuer": "root", "validity": always, "extensions": [
        {"id": "key_usage", "critical": True,
         "smart-value": {"schema": "key-usage", "params": ["digital_signature"]}},
        {"id": "extended_key_usage", "critical": True, "value": ["time_stamping"]}], **more}


config = {
    "external-url-prefix": "http://127.0.0.1",
    "keysets": {"all": {"path-prefix": "keys", "keys": {n: {"path": f"{n}.pem"} for n in NAMES}}},
    "pki-architectures": {"pki": {
        "keyset": "all",
        "entity-defaults": {"country-name": "KZ", "organization-name": "Invented"},
        "entities": {n: {"common-name": n} for n in NAMES},
        "certs": {
            "root": {"subject": "root", "subject-key": "root", "issuer": "root", "authority-key": "root",
                     "validity": always, "profiles": [{"id": "simple-ca", "params": {"crl-repo": "root"}}]},
            "interm": {"issuer": "root", "validity": always, "profiles": [
                {"id": "simple-ca", "params": {"max-path-len": 0, "crl-repo": "interm"}}]},
            "responder": {"issuer": "interm", "validity": always, "profiles": ["ocsp-responder"]},
            "tsa": authority(),
            "lost": authority(revocation={"revoked-since": text(now - 40 * day), "reason": "key_compromise"}),
            "good": leaf(),
            "other": leaf(),
            "revoked": leaf(revocation={"revoked-since": text(now - 40 * day), "reason": "key_compromise"}),
            "held": leaf(revocation={"revoked-since": text(now - 40 * day), "reason": "certificate_hold"}),
        },
        "services": {
            "ocsp": {
                "delegated": {"for-issuer": "interm", "responder-cert": "responder", "signing-key": "responder"},
                "direct": {"for-issuer": "interm", "responder-cert": "interm", "signing-key": "interm"},
                "undelegated": {"for-issuer": "interm", "responder-cert": "other", "signing-key": "other"},
            },
            "crl-repo": {n: {"for-issuer": n, "signing-key": n, "simulated-update-schedule": "P30D"}
                         for n in ["root", "interm"]},
            "time-stamping": {n: {"signing-key": n, "signing-cert": n} for n in ["tsa", "lost"]},
        },
    }},
}
(folder / "pki.yml").write_text(yaml.safe_dump(config))
architectures = CertomancerConfig.from_file(str(folder / "pki.yml"), str(folder)).pki_archs
pki = architectures[ArchLabel("pki")]
for name in NAMES:
    der = pki.get_cert(CertLabel(name)).dump()
    (folder / f"{name}.cert.pem").write_bytes(pem.armor("CERTIFICATE", der))
animator = Animator(AnimatorArchStore(architectures), with_web_ui=False)

state = {"mode": "delegated", "count": 0, "recorded": None}
released = threading.Event()


def answer(body, service="delegated", at=None):
    """What certomancer says to this question."""
    # Times of RFC 5280 have no fractions of seconds; without this header certomancer writes them.
    headers = {"X-Certomancer-Fake-Time": text(at or datetime.now(tz=timezone.utc))}
    environ = EnvironBuilder(method="POST", path=f"/pki/ocsp/{service}", data=body, headers=headers).get_environ()
    return Response.from_app(animator, environ).get_data()


def without_nonce(body):
    asked = ocsp.OCSPRequest.load(body)
    tbs = ocsp.TBSRequest({"request_list": asked["tbs_request"]["request_list"]})
    return ocsp.OCSPRequest({"tbs_request": tbs}).dump()


def about_another(body):
    asked = ocsp.OCSPRequest.load(without_nonce(body))
    asked["tbs_request"]["request_list"][0]["req_cert"]["serial_number"] = \
        pki.get_cert(CertLabel("other")).serial_number
    return ocsp.OCSPRequest({"tbs_request": ocsp.TBSRequest(
        {"request_list": asked["tbs_request"]["request_list"]})}).dump()


def told(body):
    mode = state["mode"]
    if mode in ("delegated", "direct", "undelegated"):
        return answer(body, mode)
    if mode == "no_nonce":
        return answer(without_nonce(body))
    if mode == "slow":
        released.wait(30)
        return answer(body)
    if mode == "stale":
        return answer(without_nonce(body), at=now - 30 * day)
    if mode == "future":
        return answer(without_nonce(body), at=now + 30 * day)
    if mode == "another":
        return answer(about_another(body))
    if mode == "forged":
        der = bytearray(answer(body))
        mark = ocsp.OCSPResponse.load(bytes(der)).basic_ocsp_response["signature"].native
        place = bytes(der).index(mark)
        der[place + len(mark) - 1] ^= 1
        return bytes(der)
    if mode == "wrong_nonce":
        asked = ocsp.OCSPRequest.load(body)
        body = bytearray(body)
        nonce = asked.nonce_value.native
        place = bytes(body).index(nonce)
        body[place] ^= 1
        return answer(bytes(body))
    if mode == "record":
        state["recorded"] = answer(without_nonce(body), at=now - timedelta(minutes=2))
        return answer(without_nonce(body))
    if mode == "replay":
        return state["recorded"]
    if mode == "lifted":
        # A hold of certomancer's has no end: it forgets this one.
        object.__setattr__(pki.get_cert_spec(CertLabel("held")), "revocation", None)
        return answer(body)
    if mode == "try_later":
        return bytes.fromhex("30030a0103")
    return b"garbage"


def app(environ, start):
    request = Request(environ)
    if request.path.startswith("/mode/"):
        state["mode"] = request.path.split("/")[2]
        if state["mode"] != "slow":
            released.set()
        else:
            released.clear()
        return Response("ok")(environ, start)
    if request.path == "/count":
        return Response(str(state["count"]))(environ, start)
    if request.path.startswith("/ocsp"):
        state["count"] += 1
        if state["mode"] == "error":
            return Response("no", status=500)(environ, start)
        der = told(request.get_data())
        return Response(der, content_type="application/ocsp-response")(environ, start)
    return animator(environ, start)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, app, server_class=Server, handler_class=Quiet)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
