//! Keys that are nobody's, somebody else's, too weak or ambiguous; values that are broken.

use crate::signatures::corpus::{Case, case};
use crate::signatures::forge::{
    X509V3, by_key_id, form_a, form_b, form_c, form_d, issuer_serial, key_id, message, reference,
    sign, signature, token, usual,
};
use crate::signatures::oracles::openssl;
use crate::signatures::pki::{Identity, Kind, PKI, authority, ca, issue, leaf};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, date_time_ymd};

/// A message signed by `by` whose KeyInfo says something else.
fn with_key_info(key_info: &str) -> String {
    let by = &PKI.rsa;
    sign(&message(), &signature(by, &reference("body"), key_info), by)
}

pub(crate) fn keys() -> Vec<Case> {
    let cases = ambiguous().into_iter().chain(forbidden()).chain(unknown());
    let cases = cases.map(|(name, reason, text)| case(name, reason, with_key_info(&text)));
    cases.chain(tokens()).chain(certificates()).chain(weak_keys()).collect()
}

/// A name, the reason, and the content of KeyInfo.
type KeyInfo = (&'static str, &'static str, String);

fn data(inside: &str) -> String {
    format!("<ds:X509Data>{inside}</ds:X509Data>")
}

/// More than one way to a certificate, or none.
fn ambiguous() -> Vec<KeyInfo> {
    let by = &PKI.rsa;
    let certificate = form_c(by);
    let inner = certificate.replace("<ds:X509Data>", "").replace("</ds:X509Data>", "");
    let mark = "<wsse:KeyIdentifier";
    let two_in_one = form_a(by).replace(mark, &format!("{certificate}{mark}"));
    let other_serial = data(&(inner.clone() + &issuer_serial(&PKI.p256)));
    let reference = "<wsse:SecurityTokenReference/>".to_owned();
    vec![
        ("K3 two certificates", "keyinfo_ambiguous", data(&inner.repeat(2))),
        ("K3 two data", "keyinfo_ambiguous", certificate.repeat(2)),
        ("K3 data and value", "keyinfo_ambiguous", certificate.clone() + "<ds:KeyValue/>"),
        ("K3 two references", "keyinfo_ambiguous", form_a(by).repeat(2)),
        ("K3 data and reference", "keyinfo_ambiguous", certificate + &form_a(&PKI.p256)),
        ("K3 two in one", "keyinfo_ambiguous", two_in_one),
        ("K3 serial of another", "keyinfo_ambiguous", other_serial),
        ("K3 the body as token", "keyinfo_ambiguous", form_d().replace("#token", "#body")),
        ("nothing", "signature_incomplete", String::new()),
        ("empty data", "signature_incomplete", data("")),
        ("empty reference", "signature_incomplete", reference),
    ]
}

/// Keys without a certificate, and references that would have to be followed.
fn forbidden() -> Vec<KeyInfo> {
    let by = &PKI.rsa;
    let dsig11 = "xmlns:d=\"http://www.w3.org/2009/xmldsig11#\"";
    let der = format!("<d:DEREncodedKeyValue {dsig11}/>");
    let reference = format!("<d:KeyInfoReference {dsig11} URI=\"#k\"/>");
    let embedded = "<wsse:SecurityTokenReference><wsse:Embedded/></wsse:SecurityTokenReference>";
    let retrieval = "<ds:RetrievalMethod URI=\"http://127.0.0.1/k\"/>";
    let remote = form_d().replace("#token", "http://127.0.0.1/k");
    let subject = data("<ds:X509SubjectName>CN=x</ds:X509SubjectName>");
    let value = "<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>";
    vec![
        ("K4 value", "key_type_forbidden", value.into()),
        ("K4 name", "key_type_forbidden", "<ds:KeyName>bank</ds:KeyName>".into()),
        ("K4 pgp", "key_type_forbidden", "<ds:PGPData/>".into()),
        ("K4 crl", "key_type_forbidden", data("<ds:X509CRL/>")),
        ("K4 subject", "key_type_forbidden", subject),
        ("K4 der", "key_type_forbidden", der),
        ("K4 thumbprint", "key_type_forbidden", form_a(by).replace("#X509v3", "#ThumbprintSHA1")),
        ("K4 hex", "key_type_forbidden", form_a(by).replace("#Base64Binary", "#HexBinary")),
        ("K4 embedded", "key_type_forbidden", embedded.into()),
        ("K4 token path", "key_type_forbidden", form_d().replace("#X509v3", "#X509PKIPathv1")),
        ("K5 retrieval", "remote_reference_forbidden", retrieval.into()),
        ("K5 key info reference", "remote_reference_forbidden", reference),
        ("K5 remote token", "remote_reference_forbidden", remote),
        ("K5 no token", "ref_unresolved", form_d().replace("#token", "#nowhere")),
        ("W9 foreign data", "wrong_namespace", "<X509Data/>".into()),
    ]
}

/// Certificates that are not known, none, or of another family than the signature.
fn unknown() -> Vec<KeyInfo> {
    let by = &PKI.rsa;
    let garbage = form_c(by).replace(by.signer.certificate_base64(), "AAAA");
    vec![
        ("B unknown serial", "cert_unknown", form_b(by).replace("SerialNumber>", "SerialNumber>9")),
        ("B unknown issuer", "cert_unknown", form_b(by).replace("CN=", "CN=x")),
        ("B no name", "cert_unknown", form_b(by).replace("CN=", "CN")),
        ("key id of nobody", "cert_unknown", by_key_id(by).replace(&key_id(by), "AAAA")),
        ("key id of a stranger", "cert_unknown", by_key_id(&PKI.stranger)),
        ("K2 key id of another", "alg_key_mismatch", by_key_id(&PKI.p256)),
        (
            "key id as hex",
            "key_type_forbidden",
            by_key_id(by).replace("#Base64Binary", "#HexBinary"),
        ),
        ("no key id", "value_not_base64", by_key_id(by).replace(&key_id(by), "")),
        ("K3 key id and serial", "keyinfo_ambiguous", {
            let id = format!("<ds:X509SKI>{}</ds:X509SKI>", key_id(by));
            data(&(id + &issuer_serial(&PKI.p256)))
        }),
        ("garbage", "cert_malformed", garbage),
        ("A3 other family", "alg_key_mismatch", form_a(&PKI.p256)),
    ]
}

/// BinarySecurityTokens that are not used, doubled, or no certificate.
fn tokens() -> Vec<Case> {
    let by = &PKI.rsa;
    let unused = message().replace("@S@", &format!("{}@S@", token(by)));
    let second = token(by).replace("\"token\"", "\"t2\"");
    let two = unused.replace("@S@", &format!("{second}@S@"));
    let by_token = signature(by, &reference("body"), &form_d());
    let wrong = sign(&unused.replace(X509V3, "urn:x"), &by_token, by);
    vec![
        case("K3 unused token", "keyinfo_ambiguous", sign(&unused, &usual(by), by)),
        case("K3 two tokens", "keyinfo_ambiguous", sign(&two, &by_token, by)),
        case("K4 token of another type", "key_type_forbidden", wrong),
    ]
}

/// Valid signatures of certificates that must not be believed.
fn certificates() -> Vec<Case> {
    let signed =
        |name: &str, reason, by: &Identity| case(name, reason, sign(&message(), &usual(by), by));
    let other_root = authority(ca("Qaqpa test root, \"A\" + B"), None);
    let mut expired = leaf("Expired");
    expired.not_after = date_time_ymd(2026, 11, 21);
    let mut future = leaf("Future");
    future.not_before = date_time_ymd(2026, 11, 23);
    let mut crypt = leaf("Encipherment");
    crypt.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    let mut server = leaf("Server");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let no_ca = authority(leaf("No authority"), Some(&PKI.root));
    vec![
        signed("K1 stranger", "cert_unknown", &PKI.stranger),
        signed("C same name, other key", "cert_path", &issue(&leaf("x"), Kind::P256, &other_root)),
        signed("C expired", "cert_expired", &issue(&expired, Kind::P256, &PKI.root)),
        signed("C not yet", "cert_not_yet_valid", &issue(&future, Kind::P256, &PKI.root)),
        signed("C usage", "cert_usage", &issue(&crypt, Kind::P256, &PKI.root)),
        signed("C purpose", "cert_usage", &issue(&server, Kind::P256, &PKI.root)),
        signed("C issuer unknown", "cert_unknown", &issue(&leaf("x"), Kind::P256, &no_ca)),
    ]
}

/// Certificates over keys that no signature may rest on; the signature itself does not matter.
fn weak_keys() -> Vec<Case> {
    let kinds: [(&str, &str, &[&str]); 11] = [
        ("K6 rsa 2047", "key_too_weak", &["-newkey", "rsa:2047"]),
        ("K6 p521", "key_too_weak", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"]),
        (
            "K6 brainpool",
            "key_too_weak",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"],
        ),
        (
            "K6 pss",
            "key_type_forbidden",
            &["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
        ),
        ("K6 ed448", "key_type_forbidden", &["-newkey", "ed448"]),
        ("K6 rsa 1024", "key_too_weak", &["-newkey", "rsa:1024"]),
        (
            "K6 rsa exponent 3",
            "key_too_weak",
            &["-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"],
        ),
        ("K6 p192", "key_too_weak", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime192v1"]),
        (
            "K6 secp256k1",
            "key_too_weak",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
        ),
        (
            "K6 explicit curve",
            "key_too_weak",
            &[
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-pkeyopt",
                "ec_param_enc:explicit",
            ],
        ),
        ("K6 ed25519", "key_type_forbidden", &["-newkey", "ed25519"]),
    ];
    let weak = |(name, reason, arguments): (&str, &'static str, &[&str])| {
        let common = [
            "req",
            "-x509",
            "-nodes",
            "-keyout",
            "/dev/null",
            "-subj",
            "/CN=weak",
            "-outform",
            "DER",
        ];
        let der = openssl(&[&common, arguments].concat());
        let text =
            form_c(&PKI.rsa).replace(PKI.rsa.signer.certificate_base64(), &STANDARD.encode(der));
        case(name, reason, with_key_info(&text))
    };
    kinds.into_iter().map(weak).collect()
}

/// Values: broken text, other bytes, digests of nothing, content changed after signing.
pub(crate) fn values() -> Vec<Case> {
    let by = &PKI.rsa;
    let good = sign(&message(), &usual(by), by);
    let mut cases = Vec::new();
    for tag in ["ds:DigestValue", "ds:SignatureValue", "wsse:KeyIdentifier"] {
        let end = format!("</{tag}>");
        for (what, reason) in [
            ("<!-- x -->", "unexpected_node_in_value"),
            ("<![CDATA[]]>", "unexpected_node_in_value"),
            ("<x/>", "unexpected_node_in_value"),
            ("<?x?>", "instruction_outside_data"),
            ("!", "value_not_base64"),
            ("A", "value_not_base64"),
        ] {
            let document = good.replace(&end, &format!("{what}{end}"));
            cases.push(case(format!("W15 {what} in {tag}"), reason, document));
        }
    }
    let start = good.find("<ds:DigestValue>").unwrap() + "<ds:DigestValue>".len();
    let digest = &good[start..start + 44];
    let of_nothing = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    cases.push(case(
        "W18 digest of nothing",
        "digest_of_nothing",
        good.replace(digest, of_nothing),
    ));
    let relative = message().replace("xmlns:c=\"urn:c\"", "xmlns:c=\"urn:c\" xmlns:r=\"relative\"");
    cases.push(case("W18 relative namespace", "c14n_error", sign(&relative, &usual(by), by)));
    for (from, to) in [
        (">100<", ">101<"),
        (">100<", ">100 <"),
        ("<amount>", "<amount >x"),
        ("xsi:type=\"c:Pay\"", "xsi:type=\"c:Buy\""),
        ("</amount>", "</amount><amount>1</amount>"),
        ("xmlns:ns2=\"http://bip", "xmlns:ns2=\"https://bip"),
        ("<data ", "<data x=\"1\" "),
        ("<messageId>1</messageId>", "<messageId/>"),
        ("<requestInfo>", "<requestInfo>\n"),
    ] {
        assert!(good.contains(from), "{from}");
        cases.push(case(format!("changed to {to}"), "digest_mismatch", good.replacen(from, to, 1)));
    }
    cases.extend(other_signatures(&good));
    cases
}

fn other_signatures(good: &str) -> Vec<Case> {
    let start = good.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
    let end = good.find("</ds:SignatureValue>").unwrap();
    let rsa = STANDARD.decode(&good[start..end]).unwrap();
    let mut flipped = rsa.clone();
    flipped[100] ^= 1;
    let mut cases: Vec<Case> = [
        ("K7 flipped", flipped),
        ("K7 short", rsa[..255].to_vec()),
        ("K7 long", [&[0], &rsa[..]].concat()),
        ("K7 zero", vec![0; 256]),
        ("K7 one byte", vec![1]),
    ]
    .into_iter()
    .map(|(name, value)| {
        case(name, "bad_signature", good.replace(&good[start..end], &STANDARD.encode(value)))
    })
    .collect();
    let by = &PKI.p256;
    let template = usual(by);
    for (name, value) in [
        ("K7 r = s = 0", vec![0_u8; 64]),
        ("K7 der", [&[0x30, 0x06, 2, 1, 1, 2, 1, 1][..]].concat()),
        ("K7 r = 1", [&[0; 31][..], &[1], &[0; 31], &[1]].concat()),
        ("K7 all ones", vec![0xff; 64]),
    ] {
        let text = template.replace("@VALUE@", &STANDARD.encode(value));
        cases.push(case(name, "bad_signature", sign(&message(), &text, by)));
    }
    let downgraded = good.replace("#rsa-sha256", "#rsa-sha512");
    cases.push(case("A2 other hash", "bad_signature", downgraded));
    let mismatch = usual(by).replace("#ecdsa-sha256", "#ecdsa-sha384");
    cases.push(case("A3 other digest", "bad_signature", sign(&message(), &mismatch, by)));
    cases
}
