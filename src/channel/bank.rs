//! The face of banks: requests at `/bank/{bank}/…`, read and answered in each bank's own dialect.
//!
//! An adapter reads what is asked; here it becomes a request of the payments desk, and the desk's answer
//! becomes what the bank is told. A `check` is a call of its own every time. Anything else is named after
//! its own content: the same payment again is the same call, whatever stands around it in the request.

use aws_lc_rs::digest::{SHA256, digest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Uri};
use qaqpa_adapters::payments;
use qaqpa_kit::bank::{Ask, Asked, Covered, Placement, Told, Verdict};
use qaqpa_kit::envelope::write::{RequestHead, bare_request};
use qaqpa_kit::fault::Fault;
use qaqpa_kit::hex;

/// What every path of this face begins with.
pub const PREFIX: &str = "/bank/";
/// The methods that are served.
pub const METHODS: &str = "GET, POST";

/// What a bank's detached signature of these covers says that it is (RFC 7515 §4.1.9): one kind is
/// never taken for the other.
#[must_use]
pub const fn signature_kind(covers: Covered) -> &'static str {
    match covers {
        Covered::Request => "bank-request+jws",
        Covered::Body => "bank-callback+jws",
    }
}

/// The bytes that a bank signs: its body, after the request's method and target in a line of their own
/// where they are covered.
#[must_use]
pub fn signed(covers: Covered, method: &Method, uri: &Uri, body: &[u8]) -> Vec<u8> {
    if covers == Covered::Body {
        return body.to_vec();
    }
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    [format!("{method} {target}\n").as_bytes(), body].concat()
}

/// The bank's id in a path, and what follows it.
#[must_use]
pub fn place(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(PREFIX)?.split_once('/')
}

/// The request as an adapter reads it.
#[must_use]
pub fn asked<'r>(
    (method, uri): (&'r Method, &'r Uri),
    headers: &'r HeaderMap,
    body: &'r [u8],
    placement: &'r Placement,
) -> Asked<'r> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let path = place(uri.path()).map(|(_, rest)| rest).unwrap_or_default();
    let kind = header(CONTENT_TYPE).and_then(|value| value.split(';').next());
    Asked {
        method: method.as_str(),
        path,
        query: uri.query().unwrap_or_default(),
        content_type: kind.map(str::trim),
        accept: header(ACCEPT),
        placement,
        body: if *method == Method::GET { b"" } else { body },
    }
}

/// The desk's request as a SyncChannel request without an envelope and without a sender: the certificate
/// names it.
///
/// # Errors
/// `caller.malformed` for a text that XML cannot carry.
pub fn form(
    bank: &str,
    ask: &Ask,
    (session_id, received_at): (&str, &str),
) -> Result<String, Fault> {
    let (service_id, data) = payments::call_of(bank, ask)?;
    let name = match ask {
        Ask::Check { .. } => session_id.to_owned(),
        Ask::Pay(_) | Ask::Notice(_) => name_of(service_id, &data.inside),
    };
    let head = RequestHead {
        message_id: &name,
        correlation_id: "",
        service_id,
        message_date: received_at,
        route_id: "",
        sender_id: "",
        password: "",
        session_id: "",
    };
    Ok(bare_request(&head, &[], Some(&data)))
}

/// 128 bits of the digest of service and content, in hex.
fn name_of(service_id: &str, content: &str) -> String {
    let named = digest(&SHA256, format!("{service_id}\n{content}").as_bytes());
    hex::lower(named.as_ref().get(..16).unwrap_or_default())
}

/// What a bank is told by the JSON that the desk answered; what cannot be read is asked for again.
#[must_use]
pub fn told(answer: &[u8]) -> Told {
    payments::told_in(answer).unwrap_or_else(|fault| Told::of(Verdict::Temporary, fault.reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qaqpa_kit::bank::{Destination, Pay};
    use qaqpa_kit::money::Amount;

    #[test]
    fn a_bank_is_named_by_the_first_part_of_its_path_alone() {
        for (path, expected) in [
            ("/bank/demo/provider", Some(("demo", "provider"))),
            ("/bank/demo/", Some(("demo", ""))),
            ("/bank/a/b/c", Some(("a", "b/c"))),
            ("/bank/demo", None),
            ("/bank", None),
            ("/banks/demo/x", None),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }

    #[test]
    fn the_same_payment_has_the_same_name_and_a_check_never_has() {
        let ask = |txn_id: &str, sum: &str| {
            Ask::Pay(Pay {
                txn_id: txn_id.to_owned(),
                account: "c".to_owned(),
                amount: Amount::parse(sum).expect("an amount"),
                paid_at: None,
                document_number: None,
                payer: None,
                to: Destination::default(),
            })
        };
        let name = |ask: &Ask, session: &str| {
            let form = form("demo", ask, (session, "2026-11-22T14:30:05+05:00")).expect("a form");
            let (_, rest) = form.split_once("<messageId>").expect("a name");
            rest.split_once("</messageId>").expect("a name").0.to_owned()
        };
        let first = name(&ask("1", "500"), "s1");
        assert_eq!(first, name(&ask("1", "500.00"), "s2"), "500 is 500.00");
        assert_ne!(first, name(&ask("1", "500.01"), "s1"));
        assert_ne!(first, name(&ask("2", "500"), "s1"));
        let check = Ask::Check { txn_id: "1".to_owned(), account: "c".to_owned() };
        assert_ne!(name(&check, "s1"), name(&check, "s2"));
    }

    #[test]
    fn a_signature_of_a_request_covers_its_line_and_its_body() {
        let uri: Uri = "/bank/demo/provider?command=pay&sum=5%2E00".parse().expect("a target");
        let bytes = |covers, method| signed(covers, &method, &uri, b"{}");
        let expected = b"POST /bank/demo/provider?command=pay&sum=5%2E00\n{}".to_vec();
        assert_eq!(bytes(Covered::Request, Method::POST), expected);
        assert_eq!(bytes(Covered::Body, Method::POST), b"{}");
        assert_ne!(bytes(Covered::Request, Method::GET), expected);
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_asked_for_again() {
        for answer in ["", "{}", "{\"verdict\":\"fine\",\"txn_id\":\"\",\"comment\":\"\"}", "<a/>"]
        {
            assert_eq!(told(answer.as_bytes()).verdict, Verdict::Temporary, "{answer}");
        }
    }
}
