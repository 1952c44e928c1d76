//! RFC 3161 timestamps: an authority's word that a signature existed at a time.

use super::attributes::sequence;
use super::{Read, oid};
use crate::sign::algorithm::DigestAlgorithm;
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::trust::Judged;
use crate::sign::{Reason, Trust};
use cms::signed_data::UnsignedAttributes;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _, SliceReader, Tag, Tagged as _};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::sync::Arc;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// id-aa-timeStampToken.
pub(super) const TOKEN: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.14");
/// id-ct-TSTInfo.
pub(super) const INFO: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.4");
/// id-kp-timeStamping: the one purpose of an authority's key (RFC 3161 §2.3).
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// A verified timestamp; whether its authority is believed is another question.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub certificate: Arc<Certificate>,
    /// Unix seconds, fractions dropped.
    pub at_unix_s: i64,
    pub policy: String,
}

impl Stamp {
    /// Whether its authority is believed at its time. Whether it was revoked is to be asked afterwards, as
    /// of a signer.
    ///
    /// # Errors
    /// `timestamp_invalid`.
    pub fn judge(&self, trust: &Trust) -> Result<Judged, Reason> {
        let judged = trust.judge_timestamping(&self.certificate, self.at_unix_s);
        judged.map_err(|_| Reason::TimestampInvalid)
    }
}

/// The timestamp among the unsigned attributes; `None` where there is none.
///
/// # Errors
/// `timestamp_invalid`: two of them, or one that is not over this signature value by a timestamping key.
pub(super) fn find(
    attributes: &UnsignedAttributes,
    signature: &[u8],
    certificates: &CertificateCache,
) -> Result<Option<Stamp>, Reason> {
    let mut tokens = attributes.iter().filter(|attribute| attribute.oid == TOKEN);
    let Some(attribute) = tokens.next() else { return Ok(None) };
    let mut values = attribute.values.iter();
    let (Some(value), None, None) = (values.next(), values.next(), tokens.next()) else {
        return Err(Reason::TimestampInvalid);
    };
    let der = value.to_der().map_err(|_| Reason::TimestampInvalid)?;
    verify(&der, signature, certificates).map(Some)
}

/// Verifies a token over these bytes.
///
/// # Errors
/// `timestamp_invalid`.
pub fn verify(
    token: &[u8],
    stamped: &[u8],
    certificates: &CertificateCache,
) -> Result<Stamp, Reason> {
    let invalid = |_: Reason| Reason::TimestampInvalid;
    let read = Read::parse(token, INFO).map_err(invalid)?;
    let content = read.content.clone().ok_or(Reason::TimestampInvalid)?;
    let signatures = read.signatures(&content, certificates).map_err(invalid)?;
    let [signature] = &signatures[..] else { return Err(Reason::TimestampInvalid) };
    let info = Info::parse(&content).map_err(|_| Reason::TimestampInvalid)?;
    let algorithm = DigestAlgorithm::from_oid(info.algorithm).ok_or(Reason::TimestampInvalid)?;
    let is_for_stamps = signature.certificate.purposes() == [TIME_STAMPING];
    let is_over_it = algorithm.digest(stamped).as_ref() == info.imprint;
    if !is_for_stamps || !is_over_it || signature.stamp.is_some() {
        return Err(Reason::TimestampInvalid);
    }
    let at_unix_s = unix_s(&info.time).ok_or(Reason::TimestampInvalid)?;
    let certificate = Arc::clone(&signature.certificate);
    certificate.check_days(at_unix_s).map_err(invalid)?;
    Ok(Stamp { certificate, at_unix_s, policy: info.policy.to_string() })
}

/// The beginning of TSTInfo (RFC 3161 §2.4.2); what follows the time is not asked for.
struct Info {
    policy: ObjectIdentifier,
    algorithm: ObjectIdentifier,
    imprint: Vec<u8>,
    time: String,
}

impl Info {
    fn parse(content: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(sequence(&mut SliceReader::new(content)?)?)?;
        let refused = |tag: Tag| tag.value_error();
        let version = u8::decode(&mut reader)?;
        let policy = ObjectIdentifier::decode(&mut reader)?;
        let mut inside = SliceReader::new(sequence(&mut reader)?)?;
        let algorithm = AlgorithmIdentifierOwned::decode(&mut inside)?.oid;
        let imprint = OctetStringRef::decode(&mut inside)?.as_bytes().to_vec();
        let _serial: AnyRef<'_> = AnyRef::decode(&mut reader)?;
        let time: AnyRef<'_> = AnyRef::decode(&mut reader)?;
        if version != 1 || time.tag() != Tag::GeneralizedTime {
            return Err(refused(Tag::GeneralizedTime));
        }
        let text = std::str::from_utf8(time.value()).map_err(|_| refused(Tag::GeneralizedTime))?;
        Ok(Self { policy, algorithm, imprint, time: text.to_owned() })
    }
}

/// `YYYYMMDDhhmmss[.s…]Z`.
fn unix_s(time: &str) -> Option<i64> {
    let text = time.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let time = DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_and_without_fractions_and_in_no_other_form() {
        assert_eq!(unix_s("20261122050000Z"), Some(1_795_323_600));
        assert_eq!(unix_s("20261122050000.123Z"), Some(1_795_323_600));
        for text in
            ["", "20261122050000", "202611220500Z", "20261122050000+0500", "20261322050000Z"]
        {
            assert_eq!(unix_s(text), None, "{text}");
        }
    }
}
