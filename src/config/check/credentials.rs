//! Certificates, keys and other secrets that the configuration names by file.

use super::inspector::Inspector;
use crate::config::finding::Place;
use crate::config::raw;
use crate::config::settings::BoundCertificate;
use crate::sign::algorithm::{Family, SignatureAlgorithm};
use crate::sign::keystore;
use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use qaqpa_kit::hex;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::Serialize;
use std::io;
use toml::value::Datetime;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::time::Time;
use zeroize::Zeroizing;

/// A certificate that the configuration names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SeenCertificate {
    /// Its last second, or the end of its binding where that is sooner; Unix seconds.
    pub until_unix_s: i64,
    /// Whose it is: `listener 0.0.0.0:8443`, `participant demo_bank`, `agency gbd_fl` …
    pub owner: String,
    /// Its file, or the beginning of its SPKI digest.
    pub source: String,
    /// SHA-256 of the certificate in hexadecimal; empty where only its key is named.
    pub sha256: String,
}

/// What a secret file is, and how to make it.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    what: &'static str,
    pub(super) cure: &'static str,
    is_secret: bool,
}

pub(super) const CERTIFICATE: Kind = Kind {
    what: "certificate",
    cure: "put the PEM certificate there, or correct the path",
    is_secret: false,
};
pub(super) const KEY: Kind = Kind {
    what: "key",
    cure: "put the PKCS#8 PEM key there, readable by the gateway alone, or correct the path",
    is_secret: true,
};
pub(super) const PASSWORD: Kind = Kind {
    what: "password",
    cure: "write the password into it, readable by the gateway alone, or correct the path",
    is_secret: true,
};
pub(super) const MASTER_KEY: Kind = Kind {
    what: "master key",
    cure: "make it once with `openssl rand -out FILE 32`, keep a copy in a safe, or correct the path",
    is_secret: true,
};
pub(super) const DATABASE_URL: Kind = Kind {
    what: "database URL",
    cure: "write postgresql://user:password@host/database into it, or correct the path",
    is_secret: true,
};

impl Inspector<'_> {
    /// The content of a file named in the configuration.
    pub(super) fn file(
        &mut self,
        place: &Place<'_>,
        file: &str,
        kind: Kind,
    ) -> Option<Zeroizing<Vec<u8>>> {
        if !self.demand(place, file, kind.cure) {
            return None;
        }
        let path = place.path(file);
        match (self.world.read)(&path) {
            Ok(content) => {
                if kind.is_secret && content.is_world_readable {
                    let wrong = format!("everyone may read the {} file", kind.what);
                    self.warning(place, wrong, format!("chmod o= {}", path.display()));
                }
                Some(content.bytes)
            }
            Err(error) => {
                let wrong = match error.kind() {
                    io::ErrorKind::NotFound => "does not exist".to_owned(),
                    io::ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
                    _ => format!("cannot be read ({error})"),
                };
                self.error(
                    place,
                    format!("{} file {} {wrong}", kind.what, path.display()),
                    kind.cure,
                );
                None
            }
        }
    }

    /// A secret text, without the newline at its end.
    pub(super) fn secret_text(
        &mut self,
        place: &Place<'_>,
        file: &str,
        kind: Kind,
    ) -> Option<Zeroizing<String>> {
        let bytes = self.file(place, file, kind)?;
        let text = std::str::from_utf8(&bytes).map(|text| text.trim_end_matches(['\r', '\n']));
        match text {
            Ok(text) if !text.is_empty() && !text.contains(['\r', '\n']) => {
                Some(Zeroizing::new(text.to_owned()))
            }
            _ => {
                let wrong = format!("the {} file does not hold one line of text", kind.what);
                self.error(place, wrong, kind.cure);
                None
            }
        }
    }

    /// Certificates of a PEM file, or the one of a DER file.
    fn certificates(&mut self, place: &Place<'_>, file: &str) -> Option<Vec<Vec<u8>>> {
        let bytes = self.file(place, file, CERTIFICATE)?;
        let ders: Result<Vec<Vec<u8>>, _> = if bytes.first() == Some(&0x30) {
            Ok(vec![bytes.to_vec()])
        } else {
            CertificateDer::pem_slice_iter(&bytes).map(|der| der.map(|der| der.to_vec())).collect()
        };
        match ders {
            Ok(ders) if !ders.is_empty() => Some(ders),
            _ => {
                let wrong = format!("certificate file {file} holds no PEM block CERTIFICATE");
                self.error(place, wrong, CERTIFICATE.cure);
                None
            }
        }
    }

    fn parsed(&mut self, place: &Place<'_>, file: &str, der: &[u8]) -> Option<Certificate> {
        let parsed = Certificate::from_der(der).ok();
        if parsed.is_none() {
            let wrong = format!("a certificate of {file} cannot be read");
            self.error(place, wrong, CERTIFICATE.cure);
        }
        parsed
    }

    /// Certificates that are used with their own validity, of whatever kind of key.
    fn chain(&mut self, place: &Place<'_>, file: &str, owner: &str) -> Option<Vec<Vec<u8>>> {
        let chain = self.certificates(place, file)?;
        for der in &chain {
            if let Some(certificate) = self.parsed(place, file, der) {
                let end = unix_s(certificate.tbs_certificate.validity.not_after);
                self.see(owner, file.to_owned(), end, &fingerprint(der));
            }
        }
        Some(chain)
    }

    fn see(&mut self, owner: &str, source: String, until_unix_s: i64, sha256: &str) {
        let (owner, sha256) = (owner.to_owned(), sha256.to_owned());
        self.certificates.push(SeenCertificate { until_unix_s, owner, source, sha256 });
    }

    /// PEM files of certificates to trust.
    pub(super) fn trust_files(&mut self, place: &Place<'_>, files: &[String], owner: &str) {
        for (at, file) in files.iter().enumerate() {
            self.chain(&place.item(at), file, owner);
        }
    }

    /// A certificate chain and its key, which must belong together.
    pub(super) fn key_pair(
        &mut self,
        (certificate_place, certificate_file): (&Place<'_>, &str),
        (key_place, key_file): (&Place<'_>, &str),
        owner: &str,
    ) {
        let chain = self.chain(certificate_place, certificate_file, owner);
        let key = self.file(key_place, key_file, KEY);
        let (Some(chain), Some(key)) = (chain, key) else { return };
        let wrong = match PrivateKeyDer::from_pem_slice(&key) {
            Ok(key) => {
                let chain = chain.into_iter().map(CertificateDer::from).collect();
                let pair = CertifiedKey::from_der(chain, key, &default_provider());
                pair.err().map(|error| match error {
                    rustls::Error::InconsistentKeys(_) => "they are no pair".to_owned(),
                    error => error.to_string(),
                })
            }
            Err(_) => Some("no private key in the file".to_owned()),
        };
        if let Some(wrong) = wrong {
            let wrong = format!("{key_file} with {certificate_file}: {wrong}");
            let cure = "name an unencrypted PKCS#8 PEM key, RSA from 2048 bits or ECDSA P-256 or \
                        P-384, and the certificate of that key";
            self.error(key_place, wrong, cure);
        }
    }

    /// A key to sign with, by whatever kind of file, and its certificate.
    pub(super) fn signing_key(
        &mut self,
        place: &Place<'_>,
        raw: &raw::SigningKey,
    ) -> Option<Family> {
        let certificate = match raw.certificate_file.as_str() {
            "" => None,
            file => self.file(&place.key("certificate_file"), file, CERTIFICATE),
        };
        let password = match raw.password_file.as_str() {
            "" => None,
            file => self.file(&place.key("password_file"), file, PASSWORD),
        };
        let key_place = place.key("key_file");
        let key = self.file(&key_place, &raw.key_file, KEY)?;
        let password = password.as_ref().map(|bytes| keystore::password(bytes));
        let opened = keystore::signer(
            &key,
            certificate.as_ref().map(|bytes| bytes.as_slice()),
            password.as_ref().map(|password| password.as_str()),
        );
        match opened {
            Ok(signer) => {
                let files = [&raw.certificate_file, &raw.key_file];
                let source = files.into_iter().find(|file| !file.is_empty());
                let end = signer.certificate().not_after_unix_s();
                let sha256 = fingerprint(signer.certificate().der());
                self.see("signing key", source.cloned().unwrap_or_default(), end, &sha256);
                Some(signer.family())
            }
            Err(error) => {
                let wrong = format!("{}: {error}", raw.key_file);
                let cure = "name a PKCS#12 file or a PKCS#8 key with its certificate, and a \
                            `password_file` where it is encrypted";
                self.error(&key_place, wrong, cure);
                None
            }
        }
    }

    /// A certificate bound to a participant or an agency for its days.
    pub(super) fn bound(
        &mut self,
        place: &Place<'_>,
        raw: &raw::Certificate,
        owner: &str,
    ) -> Option<BoundCertificate> {
        let (spki_sha256, der, own_days) = match (raw.file.as_str(), raw.spki_sha256.as_str()) {
            ("", "") => {
                let cure = "name its `file`, or its `spki_sha256` with `from` and `until`";
                self.error(&place.key("file"), "this certificate is not named", cure);
                return None;
            }
            ("", hex) => (self.spki(&place.key("spki_sha256"), hex)?, None, None),
            (file, "") => {
                let one = self.own_certificate(&place.key("file"), file)?;
                (one.spki_sha256, one.der, Some((one.from_unix_s, one.until_unix_s)))
            }
            _ => {
                let wrong = "both `file` and `spki_sha256` are given";
                self.error(&place.key("spki_sha256"), wrong, "keep one of them");
                return None;
            }
        };
        let from = self.day(&place.key("from"), raw.from, own_days.map(|days| days.0));
        let until = self.day(&place.key("until"), raw.until, own_days.map(|days| days.1));
        let (from_unix_s, until_unix_s) = (from?, until?);
        if from_unix_s >= until_unix_s {
            let wrong = "the binding ends before it begins";
            self.error(&place.key("until"), wrong, "write a day after `from`");
        }
        let last = until_unix_s.min(own_days.map_or(i64::MAX, |days| days.1));
        let source = match raw.file.as_str() {
            "" => format!("spki {}…", raw.spki_sha256.get(..8).unwrap_or_default()),
            file => file.to_owned(),
        };
        self.see(owner, source, last, "");
        Some(BoundCertificate { spki_sha256, der, from_unix_s, until_unix_s })
    }

    /// The only certificate of a file, with its own days; its key must be one that we verify with.
    fn own_certificate(&mut self, place: &Place<'_>, file: &str) -> Option<BoundCertificate> {
        let found = self.certificates(place, file)?;
        let [der] = found.as_slice() else {
            let wrong = format!("{file} holds {} certificates", found.len());
            self.error(place, wrong, "leave the signer's own certificate alone in it");
            return None;
        };
        let body = self.parsed(place, file, der)?.tbs_certificate;
        let kind = body.subject_public_key_info.algorithm.oid;
        if !SignatureAlgorithm::ALL.iter().any(|one| one.key_oid() == kind) {
            let wrong = format!("no signature can be verified with the key in {file}");
            self.error(
                place,
                wrong,
                "use RSA from 2048 bits, ECDSA P-256 or P-384, or a GOST key of the ҰКО",
            );
        }
        let spki = body.subject_public_key_info.to_der().ok()?;
        Some(BoundCertificate {
            spki_sha256: digest(&SHA256, &spki).as_ref().try_into().ok()?,
            der: Some(der.clone()),
            from_unix_s: unix_s(body.validity.not_before),
            until_unix_s: unix_s(body.validity.not_after),
        })
    }

    fn spki(&mut self, place: &Place<'_>, hex: &str) -> Option<[u8; 32]> {
        let digest = digest_of_hex(hex);
        if digest.is_none() {
            let cure = "write 64 hex digits: `openssl x509 -pubkey -noout -in c.pem | openssl \
                        pkey -pubin -outform der | openssl dgst -sha256`";
            self.error(place, "this is no SHA-256 digest", cure);
        }
        digest
    }

    /// The first second of a day in Astana, or what stands in where none is written.
    fn day(&mut self, place: &Place<'_>, day: Option<Datetime>, own: Option<i64>) -> Option<i64> {
        let cure = "write a date without a time, e.g. 2026-01-31";
        let Some(day) = day else {
            if own.is_none() {
                self.demand(place, "", cure);
            }
            return own;
        };
        let start = match (day.date, day.time, day.offset) {
            (Some(date), None, None) => start_of(date),
            _ => None,
        };
        if start.is_none() {
            self.error(place, format!("{day} is no day"), cure);
        }
        start
    }
}

fn start_of(date: toml::value::Date) -> Option<i64> {
    let year = i16::try_from(date.year).ok()?;
    let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
    let day = civil::Date::new(year, month, day).ok()?;
    // One zone for the whole country since 2024-03-01: UTC+5.
    let zone =
        TimeZone::get("Asia/Almaty").unwrap_or_else(|_| TimeZone::fixed(Offset::constant(5)));
    day.to_zoned(zone).ok().map(|zoned| zoned.timestamp().as_second())
}

fn digest_of_hex(text: &str) -> Option<[u8; 32]> {
    hex::bytes(text)?.try_into().ok()
}

/// SHA-256 of a certificate in hexadecimal, as its authority makes it public.
fn fingerprint(der: &[u8]) -> String {
    hex::lower(digest(&SHA256, der).as_ref())
}

fn unix_s(time: Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_astana() {
        let date = |text: &str| text.parse::<Datetime>().expect("date").date.expect("date");
        assert_eq!(start_of(date("2026-01-01")), Some(1_767_207_600)); // 2025-12-31T19:00Z
        assert_eq!(start_of(date("2023-01-01")), Some(1_672_509_600)); // +06:00 in those days
    }

    #[test]
    fn a_digest_is_64_hex_digits_and_nothing_else() {
        let digest = digest_of_hex(&"0aF1".repeat(16)).expect("64 digits");
        assert_eq!(digest[..4], [0x0a, 0xf1, 0x0a, 0xf1]);
        assert_eq!(digest_of_hex(&"0a".repeat(31)), None);
        assert_eq!(digest_of_hex(&"zz".repeat(32)), None);
        assert_eq!(digest_of_hex(&"é".repeat(32)), None);
    }
}
