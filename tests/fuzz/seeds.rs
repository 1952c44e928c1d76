//! What mutations begin from: good inputs of every kind, made anew for each run.

use crate::documents::{Dice, document};
use hyper::HeaderMap;
use qaqpa::sign::business::seal::{self, Forms};
use qaqpa::sign::rest::{Parts, http, jws};
use qaqpa::sign::{Signer, cms, wsse};
use qaqpa_kit::envelope::write::{RequestHead, request};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, IsCa, Issuer, KeyIdMethod, KeyPair, RevocationReason,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use serde_json::Map;
use std::collections::HashMap;

/// The moment at which all inputs are judged.
pub(crate) const NOW_UNIX_S: i64 = 1_795_323_600;

/// Seeds by the name of their target.
pub(crate) struct Seeds(HashMap<&'static str, Vec<Vec<u8>>>);

impl Seeds {
    pub(crate) fn make() -> Self {
        let key = KeyPair::generate().expect("key");
        let certificate = CertificateParams::default().self_signed(&key).expect("certificate");
        let signer = Signer::from_pem(key.serialize_pem().as_bytes(), certificate.pem().as_bytes())
            .expect("signer");
        let head = RequestHead {
            message_id: "1",
            correlation_id: "",
            service_id: "Pay",
            message_date: "2026-11-22T10:00:00+05:00",
            route_id: "",
            sender_id: "bank",
            password: "",
            session_id: "",
        };
        let documents: Vec<Vec<u8>> =
            (1..=60).map(|seed| document(&mut Dice::new(seed)).0.into_bytes()).collect();
        let business = seal::sign(b"<a><iin>1</iin></a>", &signer, Forms::USUAL).expect("signed");
        let inside = String::from_utf8(business.clone()).expect("text");
        let envelope = request(&head, &inside).into_bytes();
        let signed = wsse::sign(&envelope, &signer).expect("signed");
        let mut xml = documents.clone();
        xml.extend([envelope, signed.clone(), business.clone()]);
        let content = b"<a><iin>1</iin></a>";
        let sign = |is_attached| cms::sign(content, is_attached, &signer, NOW_UNIX_S).expect("cms");
        let compact = jws::sign(b"{}", false, Map::new(), &signer).expect("jws");
        let detached = jws::sign(b"{}", true, Map::new(), &signer).expect("jws");
        let mut headers = HeaderMap::new();
        headers.insert("host", "gate.kz".parse().expect("host"));
        let parts = Parts {
            method: "POST",
            scheme: "https",
            authority: None,
            target: "/x",
            headers: &headers,
            body: b"{}",
        };
        let added = http::sign(&parts, &signer, NOW_UNIX_S, "n").expect("http");
        let lines: String =
            added.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let mut seeds = HashMap::new();
        seeds.insert("xml", xml.clone());
        seeds.insert("canonical", xml);
        seeds.insert("signature_header", vec![signed]);
        seeds.insert("business", vec![business, documents[0].clone()]);
        seeds.insert("certificate", vec![signer.certificate().der().to_vec()]);
        seeds.insert("cms", vec![sign(true), sign(false)]);
        seeds.insert("crl", vec![list(false), list(true)]);
        seeds.insert("jws", vec![compact.into_bytes(), detached.into_bytes()]);
        seeds.insert("http_signature", vec![lines.into_bytes()]);
        Self(seeds)
    }

    pub(crate) fn of(&self, target: &str) -> &[Vec<u8>] {
        &self.0[target]
    }
}

/// A list of three certificates, for all or for some; no signature is asked of it.
fn list(is_scoped: bool) -> Vec<u8> {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(params, key);
    let entry = |serial: u64, reason_code| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: date_time_ymd(2026, 11, 2),
        reason_code,
        invalidity_date: reason_code.map(|_| date_time_ymd(2026, 11, 1)),
    };
    let point = CrlDistributionPoint { uris: vec!["http://crl.example/a.crl".into()] };
    let scope = || CrlIssuingDistributionPoint {
        distribution_point: point,
        scope: Some(CrlScope::UserCertsOnly),
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 11, 1),
        next_update: date_time_ymd(2026, 12, 1),
        crl_number: SerialNumber::from(7_u64),
        issuing_distribution_point: is_scoped.then(scope),
        revoked_certs: vec![
            entry(1, None),
            entry(300, Some(RevocationReason::KeyCompromise)),
            entry(u64::MAX, Some(RevocationReason::CertificateHold)),
        ],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).expect("list").der().to_vec()
}
