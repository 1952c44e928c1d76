//! Certificates that nobody should believe, with keys that sign well.

use crate::support::Installation;
use qaqpa::command::demo::installation::signer;
use qaqpa::command::demo::pki::{Pair, write};
use qaqpa::sign::Signer;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    Expired,
    NotYetValid,
    /// Issued by a root of the same name with another key.
    ForeignRoot,
}

/// A pair that names `bin`, flawed, in the installation's folder.
pub fn pair(installation: &Installation, bin: &str, flaw: Flaw) -> Pair {
    let folder = installation.state.path().join("pki");
    let root_key = match flaw {
        Flaw::ForeignRoot => KeyPair::generate().unwrap(),
        _ => {
            let pem = std::fs::read_to_string(folder.join("root.key.pem")).unwrap();
            KeyPair::from_pem(&pem).unwrap()
        }
    };
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    root.distinguished_name.push(DnType::CommonName, "Qaqpa demo root");
    root.distinguished_name.push(DnType::CountryName, "KZ");
    let issuer = Issuer::new(root, root_key);

    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.distinguished_name.push(DnType::OrganizationalUnitName, format!("BIN{bin}"));
    match flaw {
        Flaw::Expired => params.not_after = date_time_ymd(2024, 1, 1),
        Flaw::NotYetValid => params.not_before = date_time_ymd(2090, 1, 1),
        Flaw::ForeignRoot => {}
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let pair = Pair {
        key_pem: folder.join(format!("{flaw:?}.key.pem")),
        cert_pem: folder.join(format!("{flaw:?}.cert.pem")),
    };
    write(&pair.key_pem, key.serialize_pem().as_bytes()).unwrap();
    write(&pair.cert_pem, certificate.pem().as_bytes()).unwrap();
    pair
}

/// Its signer.
pub fn forger(installation: &Installation, bin: &str, flaw: Flaw) -> Signer {
    signer(&pair(installation, bin, flaw)).unwrap()
}
