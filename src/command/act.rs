//! `qaqpa act`: makes the act of a reconciliation for both sides to sign, and enters it in the journal.

mod enter;
mod folder;
mod judge;

pub(super) use folder::digested;
pub(super) use judge::{By, judge, lines, may_sign};

use super::{Failure, check, read_input, sign, write_output, write_whole};
use crate::reconcile::act::{Act, Party};
use crate::sign::joint;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Make the act of a reconciliation for both sides to sign, or enter a signed one in the journal.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Write the act of a run: what it counted, and the digests of its inputs and of its folder.
    Make(Make),
    /// Sign every act of a folder (`act*.xml`) that this key's side has not signed yet.
    Sign(SignAll),
    /// Enter the digest of an act that both sides have signed in the journal of an installation.
    Enter(enter::Args),
}

/// Write the act of a run; it goes to standard output.
#[derive(Debug, clap::Args)]
struct Make {
    /// The folder that `qaqpa reconcile` left.
    folder: PathBuf,
    /// A side that signs; given twice, e.g. gateway=990140000017 and bank=980140000018=Name.
    #[arg(long = "party", value_name = "ROLE=BIN[=NAME]", required = true, value_parser = party)]
    parties: Vec<Party>,
    /// Sign it at once: private key, PKCS#8, PKCS#1 or SEC1 PEM, not encrypted.
    #[arg(long, value_name = "PEM", requires = "cert")]
    key: Option<PathBuf>,
    /// The key's certificate, with the BIN of one of the sides.
    #[arg(long, value_name = "PEM", requires = "key")]
    cert: Option<PathBuf>,
}

/// Sign every act of a folder; each is written anew whole or not at all.
#[derive(Debug, clap::Args)]
struct SignAll {
    /// The folder of acts.
    folder: PathBuf,
    /// Private key: PKCS#8, PKCS#1 or SEC1 PEM, not encrypted.
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// The key's certificate, with the BIN of a side.
    #[arg(long, value_name = "PEM")]
    cert: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A folder without a finished run, a key that does not fit, a store that does not take the entry.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.what {
        What::Make(args) => make(&args),
        What::Sign(args) => sign_all(&args),
        What::Enter(args) => enter::run(args),
    }
}

fn make(args: &Make) -> Result<ExitCode, Failure> {
    let [first, second] = args.parties.as_slice() else {
        return Err(Failure::usage("--party is given twice, once for each side"));
    };
    if first.bin == second.bin || first.role == second.role {
        return Err(Failure::usage("the two parties have one BIN or one role"));
    }
    let manifest = read_input(&args.folder.join("manifest.json"))?;
    let manifest: Value = serde_json::from_slice(&manifest)
        .map_err(|error| Failure::work(format!("manifest.json: {error}")))?;
    let files = digested(&args.folder)?;
    let act = Act::of_run(&manifest, [first.clone(), second.clone()], files);
    let act = act.ok_or_else(|| Failure::work("manifest.json is not that of a reconciliation"))?;
    let document = act.document().into_bytes();
    let document = match (&args.key, &args.cert) {
        (Some(key), Some(cert)) => {
            let signer = sign::signer(key, Some(cert), None)?;
            may_sign(&document, &signer)?;
            joint::sign(&document, &signer).map_err(Failure::work)?
        }
        _ => document,
    };
    write_output(&document)?;
    Ok(ExitCode::SUCCESS)
}

/// Acts of which this key is no party, or that it has signed, stay as they are.
fn sign_all(args: &SignAll) -> Result<ExitCode, Failure> {
    let signer = sign::signer(&args.key, Some(&args.cert), None)?;
    let (mut signed, mut left) = (0_u64, 0_u64);
    for path in folder::acts(&args.folder)? {
        let document = read_input(&path)?;
        if may_sign(&document, &signer).is_err() {
            left += 1;
            continue;
        }
        let document = joint::sign(&document, &signer).map_err(Failure::work)?;
        let text = String::from_utf8(document).map_err(Failure::work)?;
        write_whole(&path, &text)?;
        signed += 1;
    }
    check::print(&json!({ "signed": signed, "left": left }).to_string());
    Ok(if signed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn party(text: &str) -> Result<Party, String> {
    let mut parts = text.splitn(3, '=');
    let (role, bin) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_role = !role.is_empty() && role.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_bin = qaqpa_kit::ids::Bin::parse(bin, false).is_ok();
    if !is_role || !is_bin {
        return Err("not like bank=980140000018 or bank=980140000018=Name".to_owned());
    }
    let name = parts.next().unwrap_or_default().to_owned();
    if name.len() > 200 {
        return Err("a name longer than 200 bytes".to_owned());
    }
    Ok(Party { role: role.to_owned(), bin: bin.to_owned(), name })
}

/// What an act says, for people and programs.
fn told(act: &Act) -> Value {
    json!({
        "kind": act.kind,
        "subject": act.subject,
        "from": act.period.first(),
        "to": act.period.last(),
        "totals": act.totals.iter().map(|total| {
            json!({ "name": total.name, "rows": total.rows, "sum_tiyn": total.sum_tiyn.to_string() })
        }).collect::<Vec<_>>(),
        "breaks": act.breaks,
        "counts": act.counts.len(),
        "inputs": act.inputs.len(),
        "files": act.files.len(),
    })
}
