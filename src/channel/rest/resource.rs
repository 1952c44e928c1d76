//! Resources: charges and payments under addresses of their own, each the spelling of one service.
//!
//! What the address says becomes fields of the service's JSON, and the answer is the bare JSON of the
//! resource. A refusal of the desk is problem details named `urn:qaqpa:refusal:<reason>`.

use super::{PREFIX, problem};
use qaqpa_adapters::payments::wire::{Refusal, Refused};
use qaqpa_kit::fault::{Code, Fault, Language, Outcome, Phase};
use qaqpa_kit::hex;
use qaqpa_kit::refusal;
use serde_json::Value;
use std::borrow::Cow;

/// One address and method.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Below `/api/v1/`; a segment in braces becomes the field of that name.
    pub path: &'static str,
    pub service: &'static str,
    /// Parameters of the query that become fields.
    pub query: &'static [&'static str],
    /// What it makes, where it makes something.
    pub makes: Option<Made>,
}

/// What a POST has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// One thing: the field that names it, and the address below which it stands.
    One(&'static str, &'static str),
    Many,
}

const fn resource(
    method: &'static str,
    path: &'static str,
    service: &'static str,
    makes: Option<Made>,
) -> Resource {
    Resource { method, path, service, query: &[], makes }
}

const CHARGE: Option<Made> = Some(Made::One("charge_id", "/api/v1/charges/"));
const PAYMENT: Option<Made> = Some(Made::One("payment_id", "/api/v1/payments/"));

/// Every resource; a path that is written out is never an id of another.
pub const RESOURCES: [Resource; 13] = [
    resource("POST", "charges", "PAY_ChargeRegister", CHARGE),
    resource("POST", "charges/batch", "PAY_ChargesLoad", Some(Made::Many)),
    Resource { query: &["payer", "limit"], ..resource("GET", "charges", "PAY_ChargesOpen", None) },
    resource("GET", "charges/{charge_id}", "PAY_ChargeInfo", None),
    resource("POST", "charges/{charge_id}/annulment", "PAY_ChargeAnnul", None),
    resource("POST", "payments", "PAY_PaymentCreate", PAYMENT),
    Resource { query: &["charge_id"], ..resource("GET", "payments", "PAY_PaymentsFind", None) },
    resource("GET", "payments/{payment_id}", "PAY_PaymentInfo", None),
    resource("POST", "payments/{payment_id}/cancellation", "PAY_PaymentCancel", None),
    resource("POST", "payments/{payment_id}/refunds", "PAY_Refund", PAYMENT),
    Resource {
        query: &["page"],
        ..resource("GET", "payments/{payment_id}/receipt", "PAY_Receipt", None)
    },
    Resource {
        query: &["payer", "tariff", "payee_bin"],
        ..resource("GET", "duties", "PAY_DutyFind", None)
    },
    resource("POST", "duties/{receipt}/use", "PAY_DutyUse", None),
];

/// The resource at a path, by a method.
#[must_use]
pub fn find(method: &str, path: &str) -> Option<&'static Resource> {
    at(path).find(|one| one.method == method)
}

/// The methods that a path is served with; empty where nothing is.
#[must_use]
pub fn methods(path: &str) -> Vec<&'static str> {
    at(path).map(|one| one.method).collect()
}

fn at(path: &str) -> impl Iterator<Item = &'static Resource> {
    let is_written_out = RESOURCES.iter().any(|one| one.is_literal() && one.fits(path));
    let fits = move |one: &&Resource| one.fits(path) && (one.is_literal() || !is_written_out);
    RESOURCES.iter().filter(fits)
}

fn malformed(reason: &'static str) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason)
}

impl Resource {
    fn is_literal(&self) -> bool {
        !self.path.contains('{')
    }

    fn fits(&self, path: &str) -> bool {
        self.fields_in(path).is_some()
    }

    /// The fields that a path gives; `None` where it is another's.
    fn fields_in<'p>(&self, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
        let mut written = path.strip_prefix(PREFIX)?.split('/');
        let mut fields = Vec::new();
        for wanted in self.path.split('/') {
            let segment = written.next().filter(|segment| !segment.is_empty())?;
            match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => fields.push((name, segment)),
                None if wanted == segment => {}
                None => return None,
            }
        }
        written.next().is_none().then_some(fields)
    }

    /// The fields that its path gives.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let segments = self.path.split('/');
        segments.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// Whether the body alone says everything.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        self.method == "POST" && self.is_literal()
    }

    /// The JSON of the service that a request spells.
    ///
    /// # Errors
    /// `caller.malformed` with the reason `query`: a parameter that is none of its, twice, or broken; with
    /// `path`: a broken escape.
    pub fn json<'b>(
        &self,
        path: &str,
        query: Option<&str>,
        body: &'b [u8],
    ) -> Result<Cow<'b, [u8]>, Fault> {
        let mut fields = Vec::new();
        for (name, segment) in self.fields_in(path).unwrap_or_default() {
            fields.push(field(name, &decoded(segment).ok_or_else(|| malformed("path"))?));
        }
        fields.extend(self.asked(query.unwrap_or_default())?);
        if fields.is_empty() && self.method == "POST" {
            return Ok(Cow::Borrowed(body));
        }
        Ok(Cow::Owned(spliced(&fields.join(","), body)))
    }

    fn asked(&self, query: &str) -> Result<Vec<String>, Fault> {
        let mut names: Vec<&str> = Vec::new();
        let mut fields = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| malformed("query"))?;
            let known = self.query.iter().find(|known| **known == name);
            let known = known.filter(|known| !names.contains(*known));
            let known = known.ok_or_else(|| malformed("query"))?;
            names.push(known);
            fields.push(field(known, &decoded(value).ok_or_else(|| malformed("query"))?));
        }
        Ok(fields)
    }

    /// Status and body for the JSON of an answer's `data`.
    ///
    /// # Errors
    /// `agency.broken_answer`: a refusal without a reason that is known.
    pub fn answer(
        &self,
        outcome: Outcome,
        data: Vec<u8>,
        language: Language,
    ) -> Result<(u16, Vec<u8>), Fault> {
        if outcome == Outcome::Done {
            return Ok((if self.makes.is_some() { 201 } else { 200 }, data));
        }
        let refused: Option<Refused> = serde_json::from_slice(&data).ok();
        let refusal = refused.map(|refused| refused.refusal).unwrap_or_default();
        let row = refusal::find(&refusal.reason)
            .ok_or_else(|| Fault::new(Code::AgencyBrokenAnswer, Phase::Reply, "refusal_unknown"))?;
        let Refusal { field, .. } = refusal;
        Ok((row.http_status, problem::of_refusal(row, field.as_deref(), language)))
    }

    /// Where what was made stands, by the answer's body.
    #[must_use]
    pub fn location(&self, body: &[u8]) -> Option<String> {
        let Some(Made::One(name, below)) = self.makes else { return None };
        let body: Value = serde_json::from_slice(body).ok()?;
        Some(format!("{below}{}", body.get(name)?.as_str()?))
    }
}

/// A member of an object: a whole number as one where the field is one, else a text.
fn field(name: &str, value: &str) -> String {
    let is_number = name == "limit" && value.parse::<i64>().is_ok_and(|n| n.to_string() == value);
    let value = if is_number { value.to_owned() } else { Value::from(value).to_string() };
    format!("{}:{value}", Value::from(name))
}

/// The body's object with these members before its own. Written twice, a member is refused by the strict
/// reader; what is no object stays what it is, to be refused there too.
fn spliced(members: &str, body: &[u8]) -> Vec<u8> {
    let written = body.trim_ascii();
    if written.is_empty() {
        return format!("{{{members}}}").into_bytes();
    }
    let Some(rest) = written.strip_prefix(b"{") else { return body.to_vec() };
    let comma = if rest.trim_ascii_start().starts_with(b"}") { "" } else { "," };
    [format!("{{{members}{comma}").as_bytes(), rest].concat()
}

/// A value of a path or a query (RFC 3986 §2.1); `+` is itself.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(after.get(..2).and_then(hex::byte)?);
        rest = after.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(method: &str, path: &str, query: Option<&str>, body: &str) -> Result<String, String> {
        let found = find(method, path).ok_or("none")?;
        let json = found.json(path, query, body.as_bytes()).map_err(|fault| fault.reason)?;
        Ok(String::from_utf8_lossy(&json).into_owned())
    }

    #[test]
    fn what_the_address_says_becomes_fields() {
        for (method, path, query, body, expected) in [
            ("POST", "/api/v1/charges", None, "{\"a\":1}", "{\"a\":1}"),
            ("GET", "/api/v1/charges/x-1", None, "", r#"{"charge_id":"x-1"}"#),
            ("GET", "/api/v1/charges/a\"b", None, "", r#"{"charge_id":"a\"b"}"#),
            ("POST", "/api/v1/charges/x/annulment", None, " {} ", r#"{"charge_id":"x"}"#),
            (
                "POST",
                "/api/v1/payments/p/refunds",
                None,
                r#"{"b":2}"#,
                r#"{"payment_id":"p","b":2}"#,
            ),
            ("POST", "/api/v1/payments/p/refunds", None, "[1]", "[1]"),
            (
                "GET",
                "/api/v1/charges",
                Some("payer=%38503&limit=7"),
                "",
                r#"{"payer":"8503","limit":7}"#,
            ),
            ("GET", "/api/v1/charges", Some("limit=07"), "", r#"{"limit":"07"}"#),
            ("GET", "/api/v1/charges", None, "", "{}"),
        ] {
            assert_eq!(
                json(method, path, query, body),
                Ok(expected.to_owned()),
                "{path} {query:?}"
            );
        }
    }

    #[test]
    fn a_query_that_is_read_in_two_ways_is_refused() {
        for query in ["payer", "payer=1&payer=2", "other=1", "payer=%zz", "payer=%f", "payer=%ff"] {
            let read = json("GET", "/api/v1/charges", Some(query), "");
            assert_eq!(read, Err("query".to_owned()), "{query}");
        }
    }

    #[test]
    fn nothing_but_the_paths_of_the_table_is_served() {
        for path in
            ["/api/v1/charges/", "/api/v1/charges//annulment", "/charges", "/api/v1/refunds"]
        {
            assert!(methods(path).is_empty(), "{path}");
        }
        assert_eq!(methods("/api/v1/charges"), ["POST", "GET"]);
        assert_eq!(methods("/api/v1/charges/x/annulment"), ["POST"]);
        assert_eq!(methods("/api/v1/charges/batch"), ["POST"]);
        for one in &RESOURCES {
            assert!(qaqpa_adapters::payments::Payments::new().is_ok_and(|adapter| {
                use qaqpa_kit::adapter::Adapter;
                adapter.manifest().service(one.service).is_some()
            }));
        }
    }
}
