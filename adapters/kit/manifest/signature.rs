//! Which business signature a service demands: its form, whose role, and whose IIN or BIN.

use serde::Deserialize;

/// Which message bears a business signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedMessage {
    /// What the caller sends.
    #[default]
    Request,
    /// What the agency answers: a result certified by its responsible person.
    Answer,
}

/// How a business signature is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureForm {
    /// Enveloped XMLDSig of the document in `data`, inline or written as text.
    Xmldsig,
    /// CMS (CAdES-BES or -T) as base64 in a field of that document.
    Cms,
    /// JWS over the body of a REST call: the body itself, or detached in a header.
    Jws,
    /// HTTP message signature of a REST call (RFC 9421).
    Http,
}

impl SignatureForm {
    /// Whether it is made over a REST call and not over a document in `data`.
    #[must_use]
    pub const fn is_of_rest(self) -> bool {
        matches!(self, Self::Jws | Self::Http)
    }
}

/// What a signer may do, as the НУЦ states it in extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A natural person.
    Person,
    /// The first head of an organisation.
    Head,
    /// An employee with the right to sign.
    RightToSign,
    /// An employee with the right to sign financial documents.
    Financial,
    /// An employee of the personnel department.
    Personnel,
    /// An employee.
    Employee,
    /// An information system of an organisation.
    InformationSystem,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Person,
        Self::Head,
        Self::RightToSign,
        Self::Financial,
        Self::Personnel,
        Self::Employee,
        Self::InformationSystem,
    ];

    /// The OID in the certificate's extended key usage (facts: gateway-protocols §4.4).
    #[must_use]
    pub const fn oid(self) -> &'static str {
        match self {
            Self::Person => "1.2.398.3.3.4.1.1",
            Self::Head => "1.2.398.3.3.4.1.2.1",
            Self::RightToSign => "1.2.398.3.3.4.1.2.2",
            Self::Financial => "1.2.398.3.3.4.1.2.3",
            Self::Personnel => "1.2.398.3.3.4.1.2.4",
            Self::Employee => "1.2.398.3.3.4.1.2.5",
            Self::InformationSystem => "1.2.398.3.3.4.1.2.6",
        }
    }

    /// The word in manifests and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Head => "head",
            Self::RightToSign => "right_to_sign",
            Self::Financial => "financial",
            Self::Personnel => "personnel",
            Self::Employee => "employee",
            Self::InformationSystem => "information_system",
        }
    }
}

/// One signature that must be there. Several demands are met by as many signatures.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureDemand {
    /// Which message bears it (default: the request).
    #[serde(default)]
    pub of: SignedMessage,
    /// The forms that are taken, at least one.
    pub form: Vec<SignatureForm>,
    /// Roles of which the signer must have one; none: any.
    #[serde(default)]
    pub role: Vec<Role>,
    /// Path of the signed field that holds the signer's IIN, names joined by `/`; empty: not compared.
    #[serde(default)]
    pub iin_field: String,
    /// Path of the signed field that holds the signer's BIN; empty: not compared.
    #[serde(default)]
    pub bin_field: String,
    /// Path of the field that holds a CMS; `cms` only.
    #[serde(default)]
    pub signature_field: String,
    /// Path of the field whose text a detached CMS signs; empty: the CMS holds what it signs.
    #[serde(default)]
    pub content_field: String,
}

impl SignatureDemand {
    /// What is wrong with it, with the key; `None` where it can be met.
    #[must_use]
    pub fn mistake(&self) -> Option<(&'static str, &'static str)> {
        let has = |form| self.form.contains(&form);
        let is_path = |path: &str| path.is_empty() || path.split('/').all(crate::xml::is_name);
        if self.form.is_empty() {
            return Some(("form", "no form of signature is named"));
        }
        for (key, path) in [
            ("iin_field", &self.iin_field),
            ("bin_field", &self.bin_field),
            ("signature_field", &self.signature_field),
            ("content_field", &self.content_field),
        ] {
            if !is_path(path) {
                return Some((key, "it is no path of names joined by /"));
            }
        }
        if has(SignatureForm::Cms) == self.signature_field.is_empty() {
            return Some((
                "signature_field",
                "it names the field of a CMS, and belongs to form cms",
            ));
        }
        if !has(SignatureForm::Cms) && !self.content_field.is_empty() {
            return Some(("content_field", "it belongs to form cms"));
        }
        if self.of == SignedMessage::Answer && self.form.iter().any(|form| form.is_of_rest()) {
            return Some(("form", "an answer bears its signature in data: xmldsig or cms"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(text: &str) -> SignatureDemand {
        toml::from_str(text).expect(text)
    }

    #[test]
    fn a_demand_that_nobody_could_meet_is_told_with_its_key() {
        for (text, key) in [
            ("form = []", Some("form")),
            ("form = [\"cms\"]", Some("signature_field")),
            ("form = [\"xmldsig\"]\nsignature_field = \"a\"", Some("signature_field")),
            ("form = [\"xmldsig\"]\ncontent_field = \"a\"", Some("content_field")),
            ("form = [\"jws\"]\nof = \"answer\"", Some("form")),
            ("form = [\"jws\"]\niin_field = \"a//b\"", Some("iin_field")),
            ("form = [\"jws\", \"xmldsig\"]\niin_field = \"a/b\"", None),
            ("form = [\"cms\"]\nsignature_field = \"s\"\ncontent_field = \"c\"", None),
        ] {
            assert_eq!(demand(text).mistake().map(|(key, _)| key), key, "{text}");
        }
    }

    #[test]
    fn a_role_is_written_by_its_word() {
        for role in Role::ALL {
            let text = format!("form = [\"xmldsig\"]\nrole = [\"{}\"]", role.word());
            assert_eq!(demand(&text).role, [role]);
        }
    }
}
