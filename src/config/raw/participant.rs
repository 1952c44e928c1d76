//! `participants/<id>.toml` as written: one information system a file.

use super::{Class, Name, Quota};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::value::Datetime;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Participant {
    /// Name in metrics and journal; required.
    pub id: String,
    /// What it writes into `sender/senderId`; required.
    pub sender_id: String,
    /// Name for people; required.
    pub name: Name,
    /// BIN of its organisation, 12 digits; a certificate that names it and no
    /// person (IIN) is bound to the participant.
    pub bin: String,
    /// File with the password it writes into `sender/password`; empty: none is demanded.
    pub password_file: String,
    /// What it may leave out, on listeners with mutual TLS only.
    pub accept: Vec<Accept>,
    /// Services it may call, `service:operation` for single operations, `*` for all; what is not
    /// listed is refused.
    pub services: Vec<String>,
    /// How urgent its calls are where there is not room for all, unless the service says.
    pub class: Class,
    /// Rate and concurrency at each service.
    pub quota: Quota,
    /// Other quotas for single services, by service id.
    pub service_quota: BTreeMap<String, Quota>,
    /// Certificates bound to it; several may overlap, so that they can be changed without a gap.
    pub certificate: Vec<Certificate>,
}

/// What a participant proved by mutual TLS may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accept {
    /// The transport signature.
    Unsigned,
    /// The SOAP envelope around `syncSendMessageRequest`.
    Bare,
}

/// A certificate bound to a participant or an agency, for its days.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificate {
    /// PEM or DER file; either this or `spki_sha256`.
    pub file: String,
    /// SHA-256 of its SubjectPublicKeyInfo, 64 hex digits.
    pub spki_sha256: String,
    /// First day of the binding (Astana time); default: the certificate's own.
    pub from: Option<Datetime>,
    /// First day after the binding (Astana time); default: the certificate's own end.
    pub until: Option<Datetime>,
}
