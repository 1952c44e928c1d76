//! What mutations begin from: good inputs of every kind, made anew for each run.

use crate::documents::{Dice, document};
use hyper::HeaderMap;
use qaqpa::sign::business::seal::{self, Forms};
use qaqpa::sign::rest::{Parts, http, jws};
use qaqpa::sign::{Signer, cms, wsse};
use qaqpa_kit::envelope::write::{RequestHead, request};
use rcgen::{CertificateParams, KeyPair};
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
        seeds.insert("jws", vec![compact.into_bytes(), detached.into_bytes()]);
        seeds.insert("http_signature", vec![lines.into_bytes()]);
        Self(seeds)
    }

    pub(crate) fn of(&self, target: &str) -> &[Vec<u8>] {
        &self.0[target]
    }
}
