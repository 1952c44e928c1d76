//! What of a responder's answer may be believed: who signed it, of what it speaks, and for how long.

use super::{ANSWER_BYTES_MAX, NONCE, NONCE_OCTETS, Question};
use crate::sign::certificate::sha256;
use crate::sign::trust::crl::RevocationReason;
use crate::sign::trust::link::Link;
use crate::sign::trust::signed::{Signed, contents};
use crate::sign::trust::status::{Status, Why};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::ext::Extensions;
use x509_ocsp::{
    CertStatus, OcspResponse, OcspResponseStatus, ResponderId, ResponseData, SingleResponse,
};

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

/// Certificates that an answer may bring along.
const CERTIFICATES_MAX: usize = 8;

/// How far another clock may be ahead, seconds.
const SKEW_S: i64 = 60;

/// Against what an answer is held.
#[derive(Clone, Copy)]
pub struct Expected<'q> {
    pub question: &'q Question,
    pub issuer: &'q Link,
    /// Whether this certificate, which the issuer named to answer for it, was revoked.
    pub is_revoked: &'q dyn Fn(&Link) -> bool,
    pub now_unix_s: i64,
    /// Seconds since `thisUpdate` after which an answer is stale, whatever it promises.
    pub age_s_max: i64,
}

/// An answer that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Good, revoked, or that the responder does not know.
    pub status: Status,
    /// First second for which it speaks.
    pub this_update_unix_s: i64,
    /// Until when it may be believed.
    pub until_unix_s: i64,
    /// SHA-256 of the whole answer, for the journal.
    pub sha256: [u8; 32],
    /// It repeated the question's nonce, so that it is no recording.
    pub is_fresh: bool,
}

impl Answer {
    /// Reads and judges an answer.
    ///
    /// # Errors
    /// Why nothing in it may be believed.
    pub fn read(der: &[u8], expected: &Expected<'_>) -> Result<Self, Why> {
        if der.len() > ANSWER_BYTES_MAX {
            return Err(Why::OcspMalformed);
        }
        let response = OcspResponse::from_der(der).map_err(|_| Why::OcspMalformed)?;
        if response.response_status != OcspResponseStatus::Successful {
            return Err(Why::OcspRefused);
        }
        let bytes = response.response_bytes.ok_or(Why::OcspMalformed)?;
        if bytes.response_type != BASIC {
            return Err(Why::OcspMalformed);
        }
        let signed = Signed::read(bytes.response.as_bytes()).map_err(|_| Why::OcspMalformed)?;
        let data = ResponseData::from_der(signed.body).map_err(|_| Why::OcspMalformed)?;
        check_signer(&signed, &data.responder_id, expected)?;
        if has_unknown(data.response_extensions.as_ref()) {
            return Err(Why::OcspMalformed);
        }
        let is_fresh = check_nonce(&data, expected.question)?;
        let single = the_one(&data, expected.question)?;
        if has_unknown(single.single_extensions.as_ref()) {
            return Err(Why::OcspMalformed);
        }
        let (this_update_unix_s, until_unix_s) = span(single, expected)?;
        let sha256 = sha256(der);
        let status = status(&single.cert_status);
        Ok(Self { status, this_update_unix_s, until_unix_s, sha256, is_fresh })
    }
}

fn status(told: &CertStatus) -> Status {
    match told {
        CertStatus::Good(_) => Status::Good,
        CertStatus::Unknown(_) => Status::Unknown(Why::OcspUnknown),
        CertStatus::Revoked(info) => Status::Revoked {
            reason: RevocationReason(info.revocation_reason.map_or(0, |reason| reason as u8)),
            at_unix_s: seconds(&info.revocation_time),
        },
    }
}

fn seconds(time: &x509_ocsp::OcspGeneralizedTime) -> i64 {
    i64::try_from(time.0.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

/// No extension is known to us that changes what an answer means.
fn has_unknown(extensions: Option<&Extensions>) -> bool {
    extensions.is_some_and(|all| all.iter().any(|one| one.critical && one.extn_id != NONCE))
}

/// The one answer about the certificate asked for.
fn the_one<'d>(data: &'d ResponseData, question: &Question) -> Result<&'d SingleResponse, Why> {
    let mut own = data.responses.iter().filter(|single| question.is_about(&single.cert_id));
    match (own.next(), own.next()) {
        (Some(single), None) => Ok(single),
        _ => Err(Why::OcspWrongCertificate),
    }
}

/// Whether it repeats the nonce. Many responders answer with recordings and leave it out.
fn check_nonce(data: &ResponseData, question: &Question) -> Result<bool, Why> {
    let mut found = data.response_extensions.iter().flatten().filter(|one| one.extn_id == NONCE);
    let (Some(sent), Some(one)) = (&question.nonce, found.next()) else { return Ok(false) };
    let is_same = |value: &[u8]| {
        let inside = OctetString::from_der(value).is_ok_and(|octets| octets.as_bytes() == sent);
        // Old responders repeat the octets without the header.
        inside || (value.len() == NONCE_OCTETS && value == sent)
    };
    if found.next().is_none() && is_same(one.extn_value.as_bytes()) {
        Ok(true)
    } else {
        Err(Why::OcspWrongNonce)
    }
}

/// From when and until when it may be believed. Without `nextUpdate` newer news are always to be had
/// (RFC 6960 §4.2.2.1): only its age counts.
fn span(single: &SingleResponse, expected: &Expected<'_>) -> Result<(i64, i64), Why> {
    let this_update = seconds(&single.this_update);
    let oldest = this_update.saturating_add(expected.age_s_max);
    let until = single.next_update.as_ref().map_or(oldest, |next| seconds(next).min(oldest));
    let now = expected.now_unix_s;
    if this_update > now + SKEW_S || until < now || until < this_update {
        return Err(Why::OcspStale);
    }
    Ok((this_update, until))
}

/// The issuer itself, or who carries a certificate for it that the issuer's own key signed
/// (RFC 6960 §4.2.2.2).
fn check_signer(
    signed: &Signed<'_>,
    responder: &ResponderId,
    expected: &Expected<'_>,
) -> Result<(), Why> {
    let issuer = expected.issuer;
    if is_named(responder, issuer) && issuer.key.verify(signed).is_ok() {
        return Ok(());
    }
    for der in certificates(signed.rest).map_err(|_| Why::OcspMalformed)? {
        let Ok(delegate) = Link::read(der) else { continue };
        if is_named(responder, &delegate)
            && delegate.issuer == issuer.subject
            && delegate.may_answer()
            && delegate.days.hold(expected.now_unix_s)
            && delegate.is_signed_by(issuer)
            && (delegate.is_ocsp_unchecked || !(expected.is_revoked)(&delegate))
            && delegate.key.verify(signed).is_ok()
        {
            return Ok(());
        }
    }
    Err(Why::OcspBadSignature)
}

fn is_named(responder: &ResponderId, link: &Link) -> bool {
    match responder {
        ResponderId::ByName(name) => name.to_der().is_ok_and(|der| der == link.subject),
        ResponderId::ByKey(hash) => {
            hash.as_bytes() == digest(&SHA1_FOR_LEGACY_USE_ONLY, link.key.bits()).as_ref()
        }
    }
}

/// The certificates that came along, as they lie.
fn certificates(rest: &[u8]) -> der::Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    if rest.is_empty() {
        return Ok(found);
    }
    let mut reader = SliceReader::new(rest)?;
    let header = der::Header::decode(&mut reader)?;
    let number = der::TagNumber::N0;
    header.tag.assert_eq(der::Tag::ContextSpecific { constructed: true, number })?;
    let mut inside = SliceReader::new(contents(reader.read_slice(header.length)?)?)?;
    reader.finish(())?;
    while !inside.is_finished() && found.len() < CERTIFICATES_MAX {
        found.push(inside.tlv_bytes()?);
    }
    Ok(found)
}
