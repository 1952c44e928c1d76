//! The JSON twins of a sample: what a REST caller sends for its `data`, and gets for the answer's.

use super::{MESSAGE_ID, RECEIVED_AT, Sample, scan};
use crate::adapter::{Adapter, Content, Json, JsonCall, Reply};
use crate::fault::Fault;
use crate::xml::Element;

/// Holds `request.json`, if there is one, against `request.xml`.
///
/// # Errors
/// The JSON becomes other bytes than the sample says. The inner result is the refusal of JSON that
/// has no XML beside it.
pub(super) fn of_request(
    adapter: &dyn Adapter,
    service: &str,
    sample: &Sample,
) -> Result<Result<(), Fault>, String> {
    let Some(json) = sample.get("request.json") else { return Ok(Ok(())) };
    let call = JsonCall {
        service,
        message_id: MESSAGE_ID,
        received_at: RECEIVED_AT,
        body: without_end(json),
    };
    let written = form(adapter)?.request(&call);
    match (written, sample.get("request.xml")) {
        (Err(fault), None) => Ok(Err(fault)),
        (Ok(data), Some(xml)) => {
            let data = format!("<data{}>{}</data>", data.attributes, data.inside);
            same(without_end(xml), data.as_bytes()).map(Ok)
        }
        (Err(fault), Some(_)) => Err(format!("request.json: {fault}")),
        (Ok(_), None) => Err("request.json is read, but request.xml is missing".to_owned()),
    }
}

/// Holds `answer.json`, if there is one, against the `data` of the reply.
///
/// # Errors
/// The answer becomes other bytes than the sample says, or there is nothing to become JSON.
pub(super) fn of_answer(
    adapter: &dyn Adapter,
    service: &str,
    sample: &Sample,
    reply: &Result<Reply, Fault>,
) -> Result<(), String> {
    let Some(json) = sample.get("answer.json") else { return Ok(()) };
    let told = |data: Element<'_>| {
        let actual = form(adapter)?.answer(service, data).map_err(|fault| fault.to_string())?;
        same(without_end(json), &actual)
    };
    match (reply, sample.get("answer.xml")) {
        (Ok(Reply { content: Content::Written(answer), .. }), _) => {
            let data = format!("<data>{}</data>", answer.data_xml.as_deref().unwrap_or_default());
            told(scan(data.as_bytes())?.root())
        }
        (Ok(_), Some(xml)) => {
            let document = scan(xml)?;
            let mut all = document.root().descendants();
            let data = all.find(|element| element.local() == "data").ok_or("no data to tell")?;
            told(data)
        }
        _ => Err("answer.json has no answer beside it".to_owned()),
    }
}

/// Every service whose adapter has a JSON form shows it.
pub(super) fn missing<'s>(
    adapter: &dyn Adapter,
    samples: impl Iterator<Item = &'s Sample> + Clone,
) -> Option<String> {
    adapter.json()?;
    let missing = ["request.json", "answer.json"]
        .into_iter()
        .find(|part| !samples.clone().any(|sample| sample.contains_key(part)))?;
    Some(format!("no sample has a {missing}"))
}

fn form(adapter: &dyn Adapter) -> Result<&dyn Json, String> {
    adapter.json().ok_or_else(|| "the adapter has no JSON form".to_owned())
}

fn without_end(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

fn same(expected: &[u8], actual: &[u8]) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let [expected, actual] = [expected, actual].map(String::from_utf8_lossy);
    Err(format!("JSON twin, expected:\n{expected}\nactual:\n{actual}"))
}
