//! `qaqpa sign`: signs a message with a key from a file, as the gateway does.

use super::{Failure, Profile, act, read_input, write_output};
use crate::payments::receipt::KIND as RECEIPT_KIND;
use crate::sign::{Signer, joint, jws, keystore, wsse};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Sign a message; the signed document goes to standard output.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How the signature is packed.
    #[arg(long, value_enum, default_value_t = Profile::Wsse)]
    profile: Profile,
    /// Private key: PKCS#12, PKCS#8 (PEM or DER, encrypted or not), or PKCS#1 and SEC1 as PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key's certificate, PEM or DER; not needed where it stands in a PKCS#12 file.
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// File with the password of the key.
    #[arg(long, value_name = "FILE")]
    key_password_file: Option<PathBuf>,
    /// The SOAP envelope, the receipt's JSON, or the act; `-` reads standard input.
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, a key that does not fit its certificate, a document that is no envelope.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let signer = signer(&args.key, args.cert.as_deref(), args.key_password_file.as_deref())?;
    let source = read_input(&args.file)?;
    let signed = match args.profile {
        Profile::Wsse => wsse::sign(&source, &signer).map_err(Failure::work)?,
        Profile::Act => {
            act::may_sign(&source, &signer)?;
            joint::sign(&source, &signer).map_err(Failure::work)?
        }
        Profile::Receipt => {
            jws::sign(RECEIPT_KIND, &source, &signer).map_err(Failure::work)?.into_bytes()
        }
    };
    write_output(&signed)?;
    Ok(ExitCode::SUCCESS)
}

/// The signer in these files.
///
/// # Errors
/// A file that cannot be read, a wrong password, or a key without a certificate of its own.
pub fn signer(
    key: &Path,
    certificate: Option<&Path>,
    password: Option<&Path>,
) -> Result<Signer, Failure> {
    let read = |path| read_input(path).map(Zeroizing::new);
    let certificate = certificate.map(read).transpose()?;
    let password = password.map(read).transpose()?.map(|bytes| keystore::password(&bytes));
    let signer = keystore::signer(
        &read(key)?,
        certificate.as_ref().map(|bytes| bytes.as_slice()),
        password.as_ref().map(|password| password.as_str()),
    );
    signer.map_err(|error| Failure::work(format!("{}: {error}", key.display())))
}
