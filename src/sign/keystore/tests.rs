//! Key files made by openssl, opened by us; and every way in which they must not open.

use super::*;
use crate::sign::algorithm::Family;
use std::process::Command;

const PASSWORD: &str = "Құпия-1234 🗝";

/// Runs openssl in a folder and returns what it wrote into `out`.
fn openssl(folder: &std::path::Path, line: &str) -> Vec<u8> {
    let out = folder.join("out");
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(line.split_whitespace()).arg("-out").arg(&out);
    let done = command.env("PASS", PASSWORD).output().unwrap();
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    std::fs::read(out).unwrap()
}

/// A folder with key.pem and cert.pem of RSA.
fn pair() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let certificate = openssl(
        folder.path(),
        "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -days 2 -subj /CN=keystore",
    );
    std::fs::write(folder.path().join("cert.pem"), certificate).unwrap();
    folder
}

#[test]
fn a_pkcs12_file_of_openssl_opens_with_its_password_and_with_no_other() {
    let folder = pair();
    let own = |options: &str| {
        let line = format!(
            "pkcs12 -export -inkey key.pem -in cert.pem -passout env:PASS -name key {options}"
        );
        openssl(folder.path(), &line)
    };
    for options in [
        "",
        "-macalg sha1",
        "-macalg sha512 -keypbe AES-128-CBC -certpbe AES-192-CBC",
        "-legacy",
        "-legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40 -macalg sha1",
        "-legacy -keypbe PBE-SHA1-2DES -certpbe PBE-SHA1-RC2-128",
        "-keypbe DES-EDE3-CBC -certpbe NONE",
    ] {
        let file = own(options);
        let signer = signer(&file, None, Some(PASSWORD));
        assert_eq!(signer.map(|signer| signer.family()), Ok(Family::Rsa), "{options}");
        let wrong = super::signer(&file, None, Some("Құпия-1234")).unwrap_err();
        assert_eq!(wrong, KeyError::WrongPassword, "{options}");
        assert_eq!(super::signer(&file, None, None).unwrap_err(), KeyError::PasswordMissing);
    }
    // Without a MAC nobody knows who put the key into it.
    assert!(signer(&own("-nomac"), None, Some(PASSWORD)).is_err());
    let file = own("");
    for at in (0..file.len()).step_by(7) {
        assert!(signer(&file[..at], None, Some(PASSWORD)).is_err());
        let mut changed = file.clone();
        changed[at] ^= 0x10;
        // What lies outside of the MAC is a head that must still be well-formed.
        drop(signer(&changed, None, Some(PASSWORD)));
    }
}

#[test]
fn an_encrypted_pkcs8_file_opens_as_pem_and_as_der() {
    let folder = pair();
    let certificate = std::fs::read(folder.path().join("cert.pem")).unwrap();
    for options in [
        "-v2 aes-256-cbc",
        "-v2 aes-128-cbc -v2prf hmacWithSHA1",
        "-v2 aes-192-cbc -v2prf hmacWithSHA512",
        "-v2 des3",
        "-v1 PBE-SHA1-3DES",
    ] {
        for form in ["PEM", "DER"] {
            let line =
                format!("pkcs8 -topk8 -in key.pem -passout env:PASS -outform {form} {options}");
            let file = openssl(folder.path(), &line);
            let signer = signer(&file, Some(&certificate), Some(PASSWORD));
            assert_eq!(signer.map(|signer| signer.family()), Ok(Family::Rsa), "{line}");
            let wrong = super::signer(&file, Some(&certificate), Some("no")).unwrap_err();
            assert!(matches!(wrong, KeyError::WrongPassword | KeyError::Rejected(_)), "{wrong}");
        }
    }
    let plain = openssl(folder.path(), "pkcs8 -topk8 -in key.pem -nocrypt -outform DER");
    assert!(signer(&plain, Some(&certificate), None).is_ok());
    assert_eq!(signer(&plain, None, None).unwrap_err(), KeyError::NoCertificate);
}

#[test]
fn a_password_is_all_of_its_file_but_the_last_line_end() {
    assert_eq!(*password(b" a b \n"), " a b ");
    assert_eq!(*password(b"x\r\n"), "x");
    assert_eq!(*password("ә".as_bytes()), "ә");
}
