//! Signatures over REST: JWS and HTTP messages, what is covered, what is refused, and the standards' own examples.

use crate::signatures::oracles::{folder, openssl, write};
use crate::signatures::pki::{Identity, NOW_UNIX_S, PKI};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::HeaderMap;
use qaqpa::sign::Reason;
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::rest::{Parts, http, jws};
use serde_json::{Map, Value, json};

const BODY: &[u8] = b"{\"iin\":\"850312300121\"}";
const TARGET: &str = "/api/v1/services/Pay?x=1";

fn all() -> [&'static Identity; 3] {
    [&PKI.rsa, &PKI.p256, &PKI.p384]
}

fn headers(pairs: &[(&str, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes()).expect("name");
        headers.append(name, value.parse().expect("value"));
    }
    headers
}

fn parts<'r>(headers: &'r HeaderMap, body: &'r [u8]) -> Parts<'r> {
    Parts { method: "POST", scheme: "https", authority: None, target: TARGET, headers, body }
}

fn usual() -> Vec<(&'static str, String)> {
    vec![("host", "Gate.kz:443".into()), ("content-type", "application/json".into())]
}

fn signed(by: &Identity) -> Vec<(&'static str, String)> {
    let given = headers(&usual());
    let added = http::sign(&parts(&given, BODY), &by.signer, NOW_UNIX_S, "n-1").expect("signed");
    usual().into_iter().chain(added).collect()
}

fn verify(headers: &HeaderMap, body: &[u8]) -> Result<http::Verified, Reason> {
    http::verify(&parts(headers, body), &[], &CertificateCache::default(), NOW_UNIX_S)
}

#[test]
fn an_http_signature_is_read_back_and_openssl_agrees_with_its_value() {
    for by in all() {
        let signed = signed(by);
        let headers = headers(&signed);
        let verified = verify(&headers, BODY).expect("valid");
        assert_eq!(verified.certificate.sha256(), by.certificate().sha256());
        assert!(
            verified.base.contains("\"@target-uri\": https://gate.kz/api/v1/services/Pay?x=1\n")
        );
        if by.signer.algorithm() == PKI.rsa.signer.algorithm() {
            let folder = folder();
            let value = signed.iter().find(|(name, _)| *name == "signature").expect("signature");
            let value = value.1.trim_start_matches("sig1=:").trim_end_matches(':');
            let value = write(folder.path(), "value", STANDARD.decode(value).expect("base64"));
            let base = write(folder.path(), "base", &verified.base);
            let certificate = write(folder.path(), "cert.pem", &by.cert_pem).display().to_string();
            let key = openssl(&["x509", "-in", &certificate, "-noout", "-pubkey"]);
            let key = write(folder.path(), "key.pub", key).display().to_string();
            let (value, base) = (value.display().to_string(), base.display().to_string());
            let said = openssl(&["dgst", "-sha256", "-verify", &key, "-signature", &value, &base]);
            assert_eq!(String::from_utf8_lossy(&said), "Verified OK\n");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: one row a case")]
fn a_bent_http_signature_is_refused_for_its_reason() {
    let good = signed(&PKI.p256);
    let change = |name: &str, from: &str, to: &str| {
        let mut changed = good.clone();
        let field = changed.iter_mut().find(|(known, _)| *known == name).expect(name);
        assert!(field.1.contains(from), "{from} in {}", field.1);
        field.1 = field.1.replacen(from, to, 1);
        changed
    };
    let without = |name: &str| good.iter().filter(|(known, _)| *known != name).cloned().collect();
    let with = |name: &'static str, value: &str| [&good[..], &[(name, value.to_owned())]].concat();
    let input = "signature-input";
    let other = PKI.rsa.signer.certificate_base64();
    let own = PKI.p256.signer.certificate_base64();
    type Fields = Vec<(&'static str, String)>;
    let cases: Vec<(&str, Reason, Fields)> = vec![
        ("no input", Reason::SignatureMissing, without(input)),
        ("no signature", Reason::SignatureMissing, without("signature")),
        ("method unsigned", Reason::ComponentNotSigned, change(input, "\"@method\" ", "")),
        ("target unsigned", Reason::ComponentNotSigned, change(input, "\"@target-uri\" ", "")),
        (
            "only the path",
            Reason::ComponentNotSigned,
            change(input, "\"@target-uri\"", "\"@path\""),
        ),
        ("body unsigned", Reason::ComponentNotSigned, change(input, "\"content-digest\" ", "")),
        ("key added", Reason::ComponentNotSigned, with("idempotency-key", "k")),
        ("receipt added", Reason::ComponentNotSigned, with("payment-receipt", "r")),
        ("route added", Reason::ComponentNotSigned, with("route-id", "r")),
        ("encoding added", Reason::ComponentNotSigned, with("content-encoding", "gzip")),
        ("second type", Reason::BadSignature, with("content-type", "text/plain")),
        ("type changed", Reason::BadSignature, change("content-type", "json", "xml")),
        ("host changed", Reason::BadSignature, change("host", "Gate", "gata")),
        (
            "no created",
            Reason::HttpSignatureMalformed,
            change(input, ";created=", ";tag=\"x\";create="),
        ),
        ("two labels", Reason::HttpSignatureMalformed, change(input, "sig1=", "sig0=(), sig1=")),
        ("other label", Reason::HttpSignatureMalformed, change("signature", "sig1", "sig2")),
        (
            "twice",
            Reason::HttpSignatureMalformed,
            change(input, "\"@method\"", "\"@method\" \"@method\""),
        ),
        (
            "parameter of a component",
            Reason::HttpSignatureMalformed,
            change(input, "\"@method\"", "\"@method\";req"),
        ),
        (
            "unknown derived",
            Reason::HttpSignatureMalformed,
            change(input, "\"@method\"", "\"@method\" \"@status\""),
        ),
        ("unknown parameter", Reason::HttpSignatureMalformed, change(input, ";nonce", ";nonsense")),
        ("value no bytes", Reason::HttpSignatureMalformed, change("signature", ":", "\"")),
        ("nonce changed", Reason::BadSignature, change(input, "n-1", "n-2")),
        ("later", Reason::BadSignature, change(input, "created=1795323600", "created=1795323601")),
        ("old", Reason::MessageExpired, change(input, "created=1795323600", "created=1795323200")),
        (
            "future",
            Reason::MessageFromFuture,
            change(input, "created=1795323600", "created=1795323700"),
        ),
        ("hmac", Reason::AlgForbidden, change(input, "ecdsa-p256-sha256", "hmac-sha256")),
        (
            "other family",
            Reason::AlgKeyMismatch,
            change(input, "ecdsa-p256-sha256", "rsa-v1_5-sha256"),
        ),
        ("other key id", Reason::KeyinfoAmbiguous, change(input, "keyid=\"", "keyid=\"x")),
        (
            "other certificate",
            Reason::KeyinfoAmbiguous,
            change("signature-certificate", own, other),
        ),
        ("no certificate", Reason::BadSignature, {
            let kept: Vec<_> = without("signature-certificate");
            kept
        }),
        (
            "garbage for a certificate",
            Reason::CertMalformed,
            change("signature-certificate", ":M", ":AA"),
        ),
        (
            "digest of nothing known",
            Reason::AlgForbidden,
            change("content-digest", "sha-256", "md5"),
        ),
        ("other digest", Reason::DigestMismatch, change("content-digest", ":", ":AA")),
    ];
    for (name, reason, pairs) in &cases {
        let found = verify(&headers(pairs), BODY).err();
        // Without the certificate nobody is known by that id.
        let expected = if *name == "no certificate" { Reason::CertUnknown } else { *reason };
        let malformed = *name == "other digest" && found == Some(Reason::HttpSignatureMalformed);
        let missing = *name == "unknown derived" && found == Some(Reason::BadSignature);
        assert!(found == Some(expected) || malformed || missing, "{name}: {found:?}");
    }
    let headers = headers(&good);
    assert_eq!(verify(&headers, b"{}").err(), Some(Reason::DigestMismatch));
    assert!(verify(&headers, BODY).is_ok());
}

fn claims() -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("htm".into(), "POST".into());
    claims.insert("htu".into(), TARGET.into());
    claims.insert("iat".into(), NOW_UNIX_S.into());
    claims
}

fn call(compact: &str, body: &[u8]) -> Result<jws::Verified, Reason> {
    let pairs = [(jws::JWS_SIGNATURE, compact.to_owned())];
    let headers = headers(&pairs);
    jws::verify_call(&parts(&headers, body), &CertificateCache::default(), NOW_UNIX_S)
}

#[test]
fn a_jws_is_read_back_compact_and_detached() {
    for by in all() {
        let compact = jws::sign(BODY, false, Map::new(), &by.signer).expect("signed");
        let verified =
            jws::verify(&compact, None, &[], &CertificateCache::default()).expect("valid");
        assert_eq!(verified.payload, BODY);
        assert_eq!(verified.certificate.sha256(), by.certificate().sha256());
        let detached = jws::sign(BODY, true, claims(), &by.signer).expect("signed");
        assert!(call(&detached, BODY).is_ok());
        assert_eq!(call(&detached, b"{}").err(), Some(Reason::BadSignature));
        assert_eq!(call(&compact, BODY).err(), Some(Reason::JwsMalformed), "two payloads");
    }
}

/// A JWS whose header says whatever is wanted, signed all the same.
fn with_header(header: &Value, payload: &str, by: &Identity) -> String {
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let message = format!("{header}.{payload}");
    let value = by.signer.sign(message.as_bytes()).expect("signed");
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(value))
}

#[test]
fn a_bent_jws_is_refused_for_its_reason() {
    let by = &PKI.rsa;
    let own = by.signer.certificate_base64();
    let payload = URL_SAFE_NO_PAD.encode(BODY);
    let base = json!({"alg": "RS256", "x5c": [own]});
    let with = |name: &str, value: Value| {
        let mut header = base.clone();
        header[name] = value;
        with_header(&header, &payload, by)
    };
    let good = with_header(&base, &payload, by);
    assert!(jws::verify(&good, None, &[], &CertificateCache::default()).is_ok());
    let twice = URL_SAFE_NO_PAD
        .encode(format!("{{\"alg\":\"none\",\"alg\":\"RS256\",\"x5c\":[\"{own}\"]}}"));
    for (name, reason, text) in [
        ("none", Reason::AlgForbidden, with("alg", json!("none"))),
        ("HMAC", Reason::AlgForbidden, with("alg", json!("HS256"))),
        ("PSS", Reason::AlgForbidden, with("alg", json!("PS256"))),
        ("other family", Reason::AlgKeyMismatch, with("alg", json!("ES256"))),
        ("other digest", Reason::BadSignature, with("alg", json!("RS512"))),
        ("no algorithm", Reason::JwsMalformed, with("alg", Value::Null)),
        ("key inside", Reason::KeyTypeForbidden, with("jwk", json!({}))),
        (
            "key elsewhere",
            Reason::RemoteReferenceForbidden,
            with("jku", json!("http://127.0.0.1/")),
        ),
        (
            "certificate elsewhere",
            Reason::RemoteReferenceForbidden,
            with("x5u", json!("http://127.0.0.1/")),
        ),
        (
            "no certificate",
            Reason::SignerCertificateMissing,
            with_header(&json!({"alg": "RS256"}), &payload, by),
        ),
        ("empty chain", Reason::JwsMalformed, with("x5c", json!([]))),
        ("garbage for a certificate", Reason::CertMalformed, with("x5c", json!(["AAAA"]))),
        ("thumbprint of another", Reason::KeyinfoAmbiguous, with("x5t#S256", json!("AAAA"))),
        ("unknown critical", Reason::JwsMalformed, with("crit", json!(["exp"]))),
        ("empty critical", Reason::JwsMalformed, with("crit", json!([]))),
        ("raw, not critical", Reason::JwsMalformed, with("b64", json!(false))),
        ("header twice", Reason::JwsMalformed, format!("{twice}.{payload}.AAAA")),
        ("two parts", Reason::JwsMalformed, good.rsplit_once('.').expect("parts").0.to_owned()),
        ("four parts", Reason::JwsMalformed, format!("{good}.AAAA")),
        ("padding", Reason::JwsMalformed, format!("{good}=")),
        ("standard alphabet", Reason::JwsMalformed, format!("{good}+/")),
        ("empty payload", Reason::ContentMissing, with_header(&base, "", by)),
        ("no header", Reason::JwsMalformed, format!(".{payload}.AAAA")),
        ("nothing", Reason::JwsMalformed, String::new()),
    ] {
        let found = jws::verify(&text, None, &[], &CertificateCache::default()).err();
        assert_eq!(found, Some(reason), "{name}");
    }
    let unbound = jws::sign(BODY, true, Map::new(), &by.signer).expect("signed");
    assert_eq!(call(&unbound, BODY).err(), Some(Reason::ComponentNotSigned));
    for (name, value, reason) in [
        ("htm", json!("GET"), Reason::ComponentNotSigned),
        ("htu", json!("/other"), Reason::ComponentNotSigned),
        ("iat", json!("now"), Reason::TimestampMalformed),
        ("iat", json!(NOW_UNIX_S - 361), Reason::MessageExpired),
        ("iat", json!(NOW_UNIX_S + 61), Reason::MessageFromFuture),
        ("exp", json!(NOW_UNIX_S - 1), Reason::TimestampMalformed),
    ] {
        let mut claims = claims();
        claims.insert(name.into(), value.clone());
        let text = jws::sign(BODY, true, claims, &by.signer).expect("signed");
        assert_eq!(call(&text, BODY).err(), Some(reason), "{name} {value}");
    }
}
