//! The examples of RFC 7515 and RFC 9421: verified where the profile takes them, else refused by name.

use crate::signatures::pki::{PKI, leaf};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::rest::{Parts, http, jws};
use qaqpa::sign::{Certificate, Reason};
use std::slice::from_ref;
use std::sync::Arc;

/// A public key of a standard's example, to be certified.
struct Foreign {
    octets: Vec<u8>,
    algorithm: &'static rcgen::SignatureAlgorithm,
}

impl rcgen::PublicKeyData for Foreign {
    fn der_bytes(&self) -> &[u8] {
        &self.octets
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.algorithm
    }
}

fn certified(key: &Foreign) -> Arc<Certificate> {
    let certificate = leaf("Example").signed_by(key, &PKI.root.issuer).expect("certificate");
    Arc::new(Certificate::parse(certificate.der()).expect("certificate"))
}

/// The key of RFC 7515 A.2.
fn rsa_of_the_standard() -> Foreign {
    let modulus = URL_SAFE_NO_PAD
        .decode(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF\
             d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo\
             7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM\
             Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        )
        .expect("base64url");
    // SEQUENCE { INTEGER of 257 bytes, INTEGER 65537 }
    let octets = [&[0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0][..], &modulus, &[2, 3, 1, 0, 1]].concat();
    Foreign { octets, algorithm: &rcgen::PKCS_RSA_SHA256 }
}

/// The key of RFC 7515 A.3.
fn p256_of_the_standard() -> Foreign {
    let coordinates = [
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    ];
    let [x, y] = coordinates.map(|one| URL_SAFE_NO_PAD.decode(one).expect("base64url"));
    Foreign { octets: [&[4][..], &x, &y].concat(), algorithm: &rcgen::PKCS_ECDSA_P256_SHA256 }
}

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

#[test]
fn the_examples_of_rfc_7515_are_verified_or_refused_by_name() {
    let (rsa, p256) = (certified(&rsa_of_the_standard()), certified(&p256_of_the_standard()));
    let a2 = format!(
        "eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF\
         5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07\
         Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs\
         98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let a3 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K\
         g6NU1Q"
    );
    let (a1, a5) = (
        format!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        ),
        format!("eyJhbGciOiJub25lIn0.{CLAIMS}."),
    );
    let a6 = format!("{{\"payload\":\"{CLAIMS}\",\"signatures\":[]}}");
    let judge = |text: &str, known: &[Arc<Certificate>]| {
        jws::verify(text, None, known, &CertificateCache::default()).map(|one| one.payload.len())
    };
    assert_eq!(judge(&a2, from_ref(&rsa)), Ok(70));
    assert_eq!(judge(&a3, from_ref(&p256)), Ok(70));
    assert_eq!(judge(&a2, from_ref(&p256)), Err(Reason::AlgKeyMismatch));
    let forged = a3.replacen("eyJpc3Mi", "eyJpc3Qi", 1);
    assert_eq!(judge(&forged, from_ref(&p256)), Err(Reason::BadSignature));
    assert_eq!(judge(&a2, &[rsa, p256]), Err(Reason::SignerCertificateMissing), "which of both?");
    for (text, reason) in
        [(a1, Reason::AlgForbidden), (a5, Reason::AlgForbidden), (a6, Reason::JwsMalformed)]
    {
        assert_eq!(judge(&text, &[]), Err(reason), "{text:.40}");
    }
    let a4 = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cw";
    assert_eq!(judge(a4, &[]), Err(Reason::AlgForbidden));
    assert_eq!(judge(&a2, &[]), Err(Reason::SignerCertificateMissing));
}

/// The signatures of RFC 9421 B.2 cover too little, or are by algorithms of no key that we take.
#[test]
fn the_examples_of_rfc_9421_are_refused_for_what_they_leave_out() {
    let body = b"{\"hello\": \"world\"}";
    let cases = [
        (
            "sig-b21=();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\"",
            Reason::ComponentNotSigned,
        ),
        (
            "sig-b22=(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\");created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
            Reason::HttpSignatureMalformed,
        ),
        (
            "sig-b23=(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"",
            Reason::CertUnknown,
        ),
        (
            "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
            Reason::ComponentNotSigned,
        ),
    ];
    for (input, reason) in cases {
        let label = input.split('=').next().expect("label");
        let given = [
            ("host", "example.com".into()),
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT".into()),
            ("content-type", "application/json".into()),
            ("content-digest", "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:".into()),
            ("content-length", "18".into()),
            ("signature-input", input.to_owned()),
            ("signature", format!("{label}=:AAAA:")),
        ];
        let given: HeaderMap = given
            .into_iter()
            .map(|(name, value): (&str, String)| {
                let value = HeaderValue::from_str(&value).expect("value");
                (HeaderName::from_bytes(name.as_bytes()).expect("name"), value)
            })
            .collect();
        let parts = Parts {
            method: "POST",
            scheme: "https",
            authority: None,
            target: "/foo?param=Value&Pet=dog",
            headers: &given,
            body,
        };
        let found = http::verify(&parts, &[], &CertificateCache::default(), 1_618_884_475).err();
        assert_eq!(found, Some(reason), "{input}");
    }
}
