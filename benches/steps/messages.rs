//! Messages of the sizes that the steps are measured at, and the keys that sign them.
#![allow(dead_code, reason = "each bench takes what it needs")]

use qaqpa::command::demo::installation::signer;
use qaqpa::command::demo::pki::{Family, Root};
use qaqpa::sign::Signer;
use qaqpa_kit::envelope::write::{RequestHead, request};
use std::path::Path;

/// Any error ends the run with its text.
pub(super) type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// Name of a size and its bytes, before signing.
pub(super) const SIZES: [(&str, usize); 2] = [("2 KB", 2 << 10), ("20 KB", 20 << 10)];

/// An unsigned call of about this size: a list of people, as the registers answer it.
pub(super) fn message(bytes: usize) -> Vec<u8> {
    let head = RequestHead {
        message_id: "0197f0f2-7a52-7cc1-9c7e-6f0a3d3c1b11",
        correlation_id: "",
        service_id: "GBDFL_UniversalServiceSync",
        message_date: "2026-11-22T10:15:30.125+05:00",
        route_id: "",
        sender_id: "egov_portal",
        password: "demo-portal",
        session_id: "",
    };
    let person = "<person><iin>850312300121</iin><surname>Ахметов</surname>\
        <name lang=\"kk\">Ерлан</name><birthDate>1985-03-12</birthDate></person>";
    let empty = request(&head, "").len();
    let people = bytes.saturating_sub(empty) / person.len();
    request(&head, &person.repeat(people)).into_bytes()
}

/// A signer of each family, with certificates of one throw-away root.
pub(super) fn signers(folder: &Path) -> Fallible<[(&'static str, Signer); 2]> {
    let root = Root::find_or_make(folder)?;
    let make = |name, family| {
        let pair = root.pair(folder, name, "190540007715", family)?;
        Ok::<_, Box<dyn std::error::Error>>(signer(&pair)?)
    };
    Ok([
        ("RSA-2048", make("rsa", Family::Rsa2048)?),
        ("ECDSA P-256", make("ecdsa", Family::EcdsaP256)?),
    ])
}
