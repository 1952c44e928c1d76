//! Which certificates and which reasons a list speaks of (RFC 5280 §5.2.5).

use super::CrlError;
use crate::sign::trust::link::Link;
use der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::crl::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::DistributionPointName;

/// Every reason that a list can be limited to: bits 1 to 8 (RFC 5280 §4.2.1.13).
pub(super) const ALL_REASONS: u16 = 0b1_1111_1110;

/// What a list covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The GeneralNames (DER) of its distribution point; empty: it names none and covers all.
    points: Vec<Vec<u8>>,
    has_leaves: bool,
    has_authorities: bool,
    /// The reasons, a bit each.
    pub(super) reasons: u16,
}

impl Default for Scope {
    /// All that its issuer has issued.
    fn default() -> Self {
        Self { points: Vec::new(), has_leaves: true, has_authorities: true, reasons: ALL_REASONS }
    }
}

impl Scope {
    /// Reads an IssuingDistributionPoint.
    pub(super) fn read(value: &[u8]) -> Result<Self, CrlError> {
        let read = IssuingDistributionPoint::from_der(value)?;
        if read.indirect_crl {
            return Err(CrlError::Indirect);
        }
        if read.only_contains_attribute_certs {
            return Err(CrlError::OfAttributes);
        }
        let points = match &read.distribution_point {
            None => Vec::new(),
            Some(DistributionPointName::FullName(names)) => {
                names.iter().map(der::Encode::to_der).collect::<der::Result<_>>()?
            }
            // Certificates that name their list so are not followed to it.
            Some(DistributionPointName::NameRelativeToCRLIssuer(name)) => vec![name.to_der()?],
        };
        let reasons = read.only_some_reasons.map_or(ALL_REASONS, |some| some.bits() & ALL_REASONS);
        Ok(Self {
            points,
            has_leaves: !read.only_contains_ca_certs,
            has_authorities: !read.only_contains_user_certs,
            reasons,
        })
    }

    /// The names of its distribution point.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.points.iter().map(Vec::as_slice)
    }

    /// What it is limited to besides.
    pub(super) fn bits(&self) -> [u8; 4] {
        let [high, low] = self.reasons.to_be_bytes();
        [u8::from(self.has_leaves), u8::from(self.has_authorities), high, low]
    }

    /// Whether it speaks of this certificate of its issuer.
    pub(super) fn covers(&self, certificate: &Link) -> bool {
        let is_kind = if certificate.is_ca { self.has_authorities } else { self.has_leaves };
        let is_named = |point: &Vec<u8>| certificate.crl_points.contains(point);
        is_kind && (self.points.is_empty() || self.points.iter().any(is_named))
    }
}
