//! `qaqpa sign`: signs a message with a key from a file, as the gateway and its participants do.

use super::http_file::{HttpFile, halves};
use super::{Failure, Profile, act, now_unix_us, read_input, write_output};
use crate::payments::receipt::KIND as RECEIPT_KIND;
use crate::sign::business::seal::{self, Forms};
use crate::sign::canonical::Method;
use crate::sign::rest;
use crate::sign::{Signer, cms, document, joint, keystore, wsse};
use jiff::Timestamp;
use serde_json::Map;
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
    /// cms, jws: leave the content out of the signature.
    #[arg(long)]
    detached: bool,
    /// xmldsig: exclusive canonicalization instead of inclusive.
    #[arg(long)]
    exclusive: bool,
    /// jws: the call's method and target (path and query), which the gateway demands: "POST /api/…".
    #[arg(long, value_name = "METHOD TARGET")]
    call: Option<String>,
    /// jws: a header that is sent with the call and makes another call of it, e.g. "Idempotency-Key: 7"; may
    /// stand several times.
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "call")]
    headers: Vec<String>,
    /// The moment that the signature names (RFC 3339); default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// What to sign: SOAP envelope, XML document, any content, HTTP request, a receipt's JSON, or an
    /// act; `-` reads standard input.
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, a key that does not fit its certificate, a document that is none.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let signer = signer(&args.key, args.cert.as_deref(), args.key_password_file.as_deref())?;
    let source = read_input(&args.file)?;
    let at_unix_s = args.at.map_or_else(|| now_unix_us() / 1_000_000, Timestamp::as_second);
    let signed = match args.profile {
        Profile::Wsse => wsse::sign(&source, &signer).map_err(Failure::work)?,
        Profile::Act => {
            act::may_sign(&source, &signer)?;
            joint::sign(&source, &signer).map_err(Failure::work)?
        }
        Profile::Xmldsig => {
            let forms = match args.exclusive {
                true => {
                    let form = (Method::Exclusive, false);
                    Forms { document: form, signed_info: form }
                }
                false => Forms::USUAL,
            };
            seal::sign(&source, &signer, forms).map_err(Failure::work)?
        }
        Profile::Cms => {
            cms::sign(&source, !args.detached, &signer, at_unix_s).map_err(Failure::work)?
        }
        Profile::Jws => {
            let claims = claims(args.call.as_deref(), &args.headers, at_unix_s)?;
            let signed = rest::jws::sign(&source, args.detached, claims, &signer);
            signed.map_err(Failure::work)?.into_bytes()
        }
        Profile::Httpsig => http(&source, &signer, at_unix_s)?,
        Profile::Receipt => {
            document::sign(RECEIPT_KIND, &source, &signer).map_err(Failure::work)?.into_bytes()
        }
    };
    write_output(&signed)?;
    Ok(ExitCode::SUCCESS)
}

fn claims(
    call: Option<&str>,
    headers: &[String],
    at_unix_s: i64,
) -> Result<Map<String, serde_json::Value>, Failure> {
    let mut claims = Map::new();
    let Some(call) = call else { return Ok(claims) };
    let Some((method, target)) = call.split_once(' ') else {
        return Err(Failure::usage("--call wants a method and a target: \"POST /api/v1/…\""));
    };
    claims.insert("htm".into(), method.into());
    claims.insert("htu".into(), target.into());
    claims.insert("iat".into(), at_unix_s.into());
    for header in headers {
        let named = header.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value));
        let known = |(name, _): &(String, &str)| rest::jws::NAMED.contains(&name.as_str());
        let (name, value) = named.filter(known).ok_or_else(|| {
            let known = rest::jws::NAMED.join(", ");
            Failure::usage(format!(
                "--header wants a name and a value, \"Name: value\"; names are {known}"
            ))
        })?;
        claims.insert(name, value.trim().into());
    }
    Ok(claims)
}

/// The request with the headers of its signature.
fn http(source: &[u8], signer: &Signer, at_unix_s: i64) -> Result<Vec<u8>, Failure> {
    let file = HttpFile::read(source)?;
    let nonce = uuid::Uuid::new_v4().to_string();
    let added =
        rest::http::sign(&file.parts(), signer, at_unix_s, &nonce).map_err(Failure::work)?;
    let (head, body) = halves(source).unwrap_or((source, b""));
    let mut signed = head.to_vec();
    for (name, value) in added {
        signed.extend_from_slice(format!("\r\n{name}: {value}").as_bytes());
    }
    signed.extend_from_slice(b"\r\n\r\n");
    signed.extend_from_slice(body);
    Ok(signed)
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
