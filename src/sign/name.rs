//! X.501 names as text, only to find the certificate that an `X509IssuerSerial` means.
//!
//! Toolkits write one name in many ways: RFC 4514, RFC 2253 and RFC 1779 escapes, either order of
//! the parts, aliases or OIDs, hex of the DER. The comparison is lenient because it decides nothing:
//! it selects among certificates already bound to a participant, and the signature must then verify.

use der::asn1::{Any, BmpString, ObjectIdentifier, TeletexStringRef};
use der::{Decode as _, Encode as _, Tag, Tagged as _};
use qaqpa_kit::hex;
use x509_cert::name::RdnSequence;

/// Longest text that is read as a name.
const TEXT_BYTES_MAX: usize = 4096;

/// A name as parts in order, each a sorted list of (attribute OID, folded value).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    parts: Vec<Vec<(String, String)>>,
}

impl Name {
    /// The name that a certificate carries.
    #[must_use]
    pub fn from_certificate(name: &RdnSequence) -> Self {
        let part = |part: &x509_cert::name::RelativeDistinguishedName| {
            let mut pairs: Vec<_> = part
                .0
                .iter()
                .map(|pair| (pair.oid.to_string(), folded(&value_text(&pair.value))))
                .collect();
            pairs.sort();
            pairs
        };
        Self { parts: name.0.iter().map(part).collect() }
    }

    /// Reads a name as text; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let mut rest = text.trim_start();
        let mut parts = vec![Vec::new()];
        loop {
            let (attribute, after) = rest.split_once('=')?;
            let (value, separator, after) = value(after.trim_start())?;
            parts.last_mut()?.push((attribute_oid(attribute)?, folded(&value)));
            match separator {
                None => break,
                Some('+') => {}
                Some(_) => parts.push(Vec::new()),
            }
            rest = after.trim_start();
        }
        parts.iter_mut().for_each(|part| part.sort());
        Some(Self { parts })
    }

    /// Whether both name the same, read in either order.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.parts == other.parts || self.parts.iter().rev().eq(other.parts.iter())
    }

    /// Every value of that attribute, folded.
    pub fn values<'n>(&'n self, oid: &'n str) -> impl Iterator<Item = &'n str> {
        self.parts.iter().flatten().filter(move |(name, _)| name == oid).map(|(_, value)| &**value)
    }
}

/// Reads one value up to an unescaped separator (RFC 4514 §3, RFC 1779 quotes).
fn value(text: &str) -> Option<(String, Option<char>, &str)> {
    let mut bytes = Vec::new();
    let mut is_quoted = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' => {
                let (next, escaped) = chars.next()?;
                let pair = text.get(next..next + 2).and_then(hex::byte);
                match pair {
                    Some(byte) => {
                        bytes.push(byte);
                        chars.next();
                    }
                    None => bytes.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
            ',' | ';' | '+' if !is_quoted => {
                return Some((decoded(bytes)?, Some(c), text.get(at + 1..)?));
            }
            _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    if is_quoted { None } else { Some((decoded(bytes)?, None, "")) }
}

/// `#` and hex digits are the value's DER; anything else is the text itself.
fn decoded(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let Some(digits) = text.trim().strip_prefix('#') else { return Some(text) };
    Some(value_text(&Any::from_der(&hex::bytes(digits)?).ok()?))
}

fn value_text(value: &Any) -> String {
    let text = match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
            std::str::from_utf8(value.value()).ok().map(str::to_owned)
        }
        Tag::TeletexString => {
            value.decode_as::<TeletexStringRef<'_>>().ok().map(|text| text.as_str().to_owned())
        }
        Tag::BmpString => value
            .to_der()
            .ok()
            .and_then(|der| BmpString::from_der(&der).ok())
            .map(|text| text.to_string()),
        _ => None,
    };
    text.unwrap_or_else(|| format!("#{:02x?}", value.value()))
}

/// Case and runs of white space do not tell names apart (RFC 5280 §7.1).
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn attribute_oid(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_uppercase();
    let oid = match name.as_str() {
        "CN" | "COMMONNAME" => "2.5.4.3",
        "SN" | "SURNAME" => "2.5.4.4",
        "SERIALNUMBER" => "2.5.4.5",
        "C" | "COUNTRYNAME" => "2.5.4.6",
        "L" | "LOCALITYNAME" => "2.5.4.7",
        "ST" | "S" | "STATEORPROVINCENAME" => "2.5.4.8",
        "STREET" | "STREETADDRESS" => "2.5.4.9",
        "O" | "ORGANIZATIONNAME" => "2.5.4.10",
        "OU" | "ORGANIZATIONALUNITNAME" => "2.5.4.11",
        "T" | "TITLE" => "2.5.4.12",
        "G" | "GN" | "GIVENNAME" => "2.5.4.42",
        "DC" | "DOMAINCOMPONENT" => "0.9.2342.19200300.100.1.25",
        "UID" | "USERID" => "0.9.2342.19200300.100.1.1",
        "E" | "EMAIL" | "EMAILADDRESS" => "1.2.840.113549.1.9.1",
        other => {
            let dotted = other.strip_prefix("OID.").unwrap_or(other);
            return ObjectIdentifier::new(dotted).ok().map(|oid| oid.to_string());
        }
    };
    Some(oid.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: &str, right: &str) -> bool {
        Name::parse(left).expect(left).matches(&Name::parse(right).expect(right))
    }

    #[test]
    fn one_name_matches_itself_in_every_spelling() {
        let name = "CN=Ақ Қала\\, НУЦ,O=A+OU=B,C=KZ";
        for spelling in [
            "C=KZ, OU=B + O=A, CN=\"Ақ Қала, НУЦ\"",
            "2.5.4.6=KZ;OID.2.5.4.11=b+2.5.4.10=a;cn=ақ  қала\\2C нуц",
            "C=#13024b5a,O=A+OU=B,CN=Ақ Қала\\, НУЦ ",
        ] {
            assert!(same(name, spelling), "{spelling}");
        }
        // An escaped sign and a digit behind it are no pair of digits.
        assert!(same("CN=A\\+f", "CN=\"A+f\""));
    }

    #[test]
    fn another_name_does_not_match() {
        let name = "CN=A,O=B,C=KZ";
        for other in ["CN=A,C=KZ", "CN=A,O=B,C=KZ,L=X", "O=B,CN=A,C=KZ", "CN=A\\,O=B,C=KZ"] {
            assert!(!same(name, other), "{other}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_without_a_panic() {
        for text in ["", "CN", "CN=\"a", "XY=1", "CN=a\\", "=", "CN=a,", "CN=#1", "CN=\\ffa"] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }
}
