//! `qaqpa send`: signs a call, posts it, prints request and answer.

use super::Failure;
use super::client::{Client, Posted};
use crate::proxy::trace::Trace;
use crate::sign::wsse;
use qaqpa_kit::envelope::write::{RequestHead, request};
use qaqpa_kit::xml::writer::push_element;
use std::path::PathBuf;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// What to send, as whom, and where.
#[derive(clap::Args)]
pub struct Args {
    /// The gateway's SyncChannel address.
    #[arg(long)]
    url: String,
    /// Certificates that the gateway's TLS certificate must chain to (PEM).
    #[arg(long)]
    trust: PathBuf,
    /// Your key, for TLS and, unless there is another, for the signature (PEM).
    #[arg(long)]
    key: PathBuf,
    /// Your certificate (PEM).
    #[arg(long)]
    cert: PathBuf,
    /// Key for the signature alone, e.g. of ГОСТ, which TLS does not speak: PKCS#12 or PKCS#8.
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Its certificate, where it does not stand in the PKCS#12 file.
    #[arg(long, value_name = "FILE", requires = "signing_key")]
    signing_cert: Option<PathBuf>,
    /// File with the password of the signature's key.
    #[arg(long, value_name = "FILE", requires = "signing_key")]
    key_password_file: Option<PathBuf>,
    /// `sender/senderId`.
    #[arg(long)]
    sender: String,
    /// File with `sender/password`, where the gateway asks for one.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// `serviceId` of the service asked for.
    #[arg(long)]
    service: String,
    /// `routeId`, where the service has routes.
    #[arg(long, default_value = "")]
    route: String,
    /// `messageId`; a new one unless given.
    #[arg(long)]
    message_id: Option<String>,
    /// The inside of `data`: XML, or `@FILE`.
    #[arg(long, default_value = "")]
    data: String,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Sends one call; exit code 0 where the gateway passed an answer on, 1 where it answered a fault.
///
/// # Errors
/// A file, the key or the connection is not usable.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    };
    let (key, certificate) = match &args.signing_key {
        Some(key) => (key, args.signing_cert.as_deref()),
        None => (&args.key, Some(args.cert.as_path())),
    };
    let signer = super::sign::signer(key, certificate, args.key_password_file.as_deref())?;
    let password = match &args.password_file {
        Some(path) => Zeroizing::new(String::from_utf8_lossy(&read(path)?).trim_end().to_owned()),
        None => Zeroizing::new(String::new()),
    };
    let data = match args.data.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&read(&PathBuf::from(path))?).into_owned(),
        None => args.data.clone(),
    };
    let message_id = args.message_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let head = RequestHead {
        message_id: &message_id,
        correlation_id: "",
        service_id: &args.service,
        message_date: &Trace::date(super::now_unix_us()),
        route_id: &args.route,
        sender_id: &args.sender,
        password: &password,
        session_id: "",
    };
    let signed = wsse::sign(request(&head, &data).as_bytes(), &signer).map_err(Failure::work)?;
    let client = Client::new(&args.url, &args.trust, Some((&args.cert, &args.key)))?;
    let posted = super::block_on(client.post(signed.clone()))??;
    print(&args, &String::from_utf8_lossy(&signed), &password, &posted);
    Ok(if posted.fault.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(args: &Args, sent: &str, password: &str, posted: &Posted) {
    let answer = String::from_utf8_lossy(&posted.body);
    let shown = without_password(sent, password);
    let ms = posted.elapsed.as_secs_f64() * 1000.0;
    if args.json {
        let object = serde_json::json!({
            "http_status": posted.http_status, "entry": posted.entry, "fault": posted.fault,
            "ms": ms, "request": shown, "answer": answer,
        });
        println!("{object}");
        return;
    }
    println!("→ POST {}\n\n{shown}\n", args.url);
    println!("← HTTP {} in {ms:.1} ms", posted.http_status);
    for (name, value) in [("Qaqpa-Entry", &posted.entry), ("Qaqpa-Fault", &posted.fault)] {
        if let Some(value) = value {
            println!("  {name}: {value}");
        }
    }
    println!("\n{answer}");
}

/// What is shown may be pasted into a ticket; the password stands in the message as XML writes it.
fn without_password(sent: &str, password: &str) -> String {
    if password.is_empty() {
        return sent.to_owned();
    }
    let element = |text| {
        let mut out = Zeroizing::new(String::new());
        push_element(&mut out, "password", text);
        out
    };
    sent.replace(&*element(password), &element("***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_whatever_characters_it_has() {
        for password in ["demo", "a", "a&b<c>\"", "x\r"] {
            let head = RequestHead {
                message_id: "a",
                correlation_id: "",
                service_id: "s",
                message_date: "2026-11-22T10:15:30+05:00",
                route_id: "",
                sender_id: "d",
                password,
                session_id: "",
            };
            let masked = RequestHead { password: "***", ..head };
            assert_eq!(without_password(&request(&head, ""), password), request(&masked, ""));
        }
    }
}
