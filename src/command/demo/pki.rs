//! A throw-away PKI for the demo: one root, one certificate a participant, made anew for each state folder.

use crate::command::Failure;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, SanType,
};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A participant's certificate lives one year, as an ЭЦҚ certificate does.
const YEARS: i16 = 1;
const ROOT_YEARS: i16 = 10;

/// Family of a key to be made.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    Rsa2048,
    EcdsaP256,
}

/// A key and its certificate, as files.
#[derive(Clone, Debug)]
pub struct Pair {
    pub key_pem: PathBuf,
    pub cert_pem: PathBuf,
}

/// The root that signs everything in one demo.
pub struct Root {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, for trust.
    pub cert_pem: PathBuf,
}

impl Root {
    /// The root in `folder`: the one of an earlier run, or a new one.
    ///
    /// # Errors
    /// Key generation or the disk failed.
    pub fn find_or_make(folder: &Path) -> Result<Self, Failure> {
        let (cert_pem, key_pem) = (folder.join("root.pem"), folder.join("root.key.pem"));
        if let Ok(text) = std::fs::read_to_string(&key_pem) {
            let key = KeyPair::from_pem(&text).map_err(Failure::work)?;
            return Ok(Self { issuer: Issuer::new(Self::params()?, key), cert_pem });
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Failure::work)?;
        let params = Self::params()?;
        let certificate = params.self_signed(&key).map_err(Failure::work)?;
        write(&cert_pem, certificate.pem())?;
        write(&key_pem, key.serialize_pem())?;
        Ok(Self { issuer: Issuer::new(params, key), cert_pem })
    }

    fn params() -> Result<CertificateParams, Failure> {
        let mut params = CertificateParams::new(Vec::new()).map_err(Failure::work)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Qaqpa demo root");
        params.distinguished_name.push(DnType::CountryName, "KZ");
        valid_for(&mut params, ROOT_YEARS);
        Ok(params)
    }

    /// Makes a key and a certificate for an organisation with this BIN; it serves localhost too.
    ///
    /// # Errors
    /// Key generation or the disk failed.
    pub fn pair(
        &self,
        folder: &Path,
        name: &str,
        bin: &str,
        family: Family,
    ) -> Result<Pair, Failure> {
        let pair = Pair {
            key_pem: folder.join(format!("{name}.key.pem")),
            cert_pem: folder.join(format!("{name}.cert.pem")),
        };
        if pair.key_pem.exists() && pair.cert_pem.exists() {
            return Ok(pair);
        }
        let key = match family {
            Family::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
            Family::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        }
        .map_err(Failure::work)?;
        let mut params =
            CertificateParams::new(vec!["localhost".to_owned()]).map_err(Failure::work)?;
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationalUnitName, format!("BIN{bin}"));
        params.distinguished_name.push(DnType::CountryName, "KZ");
        valid_for(&mut params, YEARS);
        let certificate = params.signed_by(&key, &self.issuer).map_err(Failure::work)?;
        write(&pair.key_pem, key.serialize_pem())?;
        write(&pair.cert_pem, certificate.pem())?;
        Ok(pair)
    }
}

/// Valid from yesterday, for clocks that run behind, for so many years.
fn valid_for(params: &mut CertificateParams, years: i16) {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let at = |date: jiff::civil::Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    params.not_before = at(today.saturating_sub(jiff::Span::new().days(1)));
    params.not_after = at(today.saturating_add(jiff::Span::new().years(years)));
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// The disk failed.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(content.as_ref()))
        .map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}
