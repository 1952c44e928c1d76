//! `qaqpa sign`: signs a message with a key from a file, as the gateway does.

use super::{Failure, Profile, act, read_input, write_output};
use crate::payments::receipt::KIND as RECEIPT_KIND;
use crate::sign::{Signer, joint, jws, wsse};
use std::path::PathBuf;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Sign a message; the signed document goes to standard output.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How the signature is packed.
    #[arg(long, value_enum, default_value_t = Profile::Wsse)]
    profile: Profile,
    /// Private key: PKCS#8, PKCS#1 or SEC1 PEM, not encrypted.
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// The key's certificate.
    #[arg(long, value_name = "PEM")]
    cert: PathBuf,
    /// The SOAP envelope, the receipt's JSON, or the act; `-` reads standard input.
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, a key that does not fit its certificate, a document that is no envelope.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let key = Zeroizing::new(read_input(&args.key)?);
    let signer = Signer::from_pem(&key, &read_input(&args.cert)?).map_err(Failure::work)?;
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
