//! Reads an act, and believes only a document that this program would have written.
//!
//! What was read is written again and must be the same bytes: so nothing can hide in an act that its
//! readers do not see, and two texts of one act do not exist.

use super::{Act, COUNTS_MAX, Count, Digested, FILES_MAX, NAMESPACE, Party, Total, write};
use qaqpa_kit::xml::{Document, Element, Limits};
use std::collections::BTreeMap;

/// Why a document is no act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no act: {reason} at byte {at}")]
pub struct ActError {
    pub reason: &'static str,
    pub at: usize,
}

/// Reads the act inside a document; its signatures are not looked at.
///
/// # Errors
/// It is not well-formed, lacks something, or is written in another way.
pub fn read(source: &[u8]) -> Result<Act, ActError> {
    let document = Document::scan(source, &Limits::default())
        .map_err(|error| ActError { reason: error.reason, at: error.at })?;
    let root = document.root();
    let wrong = |reason, element: Element<'_>| ActError { reason, at: element.span().start };
    if !root.is(NAMESPACE, "SignedAct") {
        return Err(wrong("the root is not SignedAct", root));
    }
    let element = root.children().next().filter(|first| first.is(NAMESPACE, "Act"));
    let element = element.ok_or_else(|| wrong("Act does not stand first", root))?;
    let act = of(element).map_err(|reason| wrong(reason, element))?;
    let mut again = String::new();
    write::element(&act, &mut again);
    if again == element.span_str() {
        Ok(act)
    } else {
        Err(wrong("not written as acts are written", element))
    }
}

fn of(element: Element<'_>) -> Result<Act, &'static str> {
    let text = |name: &str| element.child(name).map(|child| child.text().into_owned());
    let all = |name: &'static str| element.children().filter(move |child| child.local() == name);
    let parties = all("Party").map(party).collect::<Result<Vec<_>, _>>()?;
    let files = |name| all(name).take(FILES_MAX + 1).map(file).collect::<Result<Vec<_>, _>>();
    let (inputs, files) = (files("Input")?, files("File")?);
    if inputs.len() > FILES_MAX || files.len() > FILES_MAX {
        return Err("more files than an act names");
    }
    let counts = all("Count").take(COUNTS_MAX + 1).map(count).collect::<Result<Vec<_>, _>>()?;
    if counts.len() > COUNTS_MAX {
        return Err("more counts than an act holds");
    }
    let mut breaks = BTreeMap::new();
    for child in all("Break") {
        if breaks.insert(value(child, "category")?, whole(child, "count")?).is_some() {
            return Err("one category twice");
        }
    }
    let period = element.child("Period").ok_or("no Period")?;
    let made_by = element.child("MadeBy").ok_or("no MadeBy")?;
    Ok(Act {
        kind: text("Kind").ok_or("no Kind")?,
        subject: text("Subject").ok_or("no Subject")?,
        period: [value(period, "from")?, value(period, "to")?],
        parties: parties.try_into().map_err(|_| "not two parties")?,
        totals: all("Total").map(total).collect::<Result<_, _>>()?,
        breaks,
        counts,
        inputs,
        files,
        made_by: [value(made_by, "program")?, value(made_by, "version")?, value(made_by, "rules")?],
    })
}

fn party(element: Element<'_>) -> Result<Party, &'static str> {
    let bin = value(element, "bin")?;
    let is_bin = bin.len() == 12 && bin.bytes().all(|byte| byte.is_ascii_digit());
    if !is_bin {
        return Err("a party without a BIN");
    }
    Ok(Party { role: value(element, "role")?, bin, name: value(element, "name")? })
}

fn total(element: Element<'_>) -> Result<Total, &'static str> {
    let sum = value(element, "sum_tiyn")?.parse().map_err(|_| "sum_tiyn is no whole number")?;
    Ok(Total { name: value(element, "name")?, rows: whole(element, "rows")?, sum_tiyn: sum })
}

fn file(element: Element<'_>) -> Result<Digested, &'static str> {
    let sha256 = value(element, "sha256")?;
    let is_digest = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_digest {
        return Err("a file without its SHA-256");
    }
    Ok(Digested { name: value(element, "name")?, sha256, bytes: whole(element, "bytes")? })
}

fn count(element: Element<'_>) -> Result<Count, &'static str> {
    Ok(Count {
        service: value(element, "service")?,
        branch: value(element, "branch")?,
        unit: value(element, "unit")?,
        numbers: [
            whole(element, "given")?,
            whole(element, "refused")?,
            whole(element, "in_time")?,
            whole(element, "late")?,
        ],
    })
}

fn value(element: Element<'_>, name: &str) -> Result<String, &'static str> {
    let value = element.attribute("", name).ok_or("an attribute is missing")?;
    Ok(value.value().into_owned())
}

fn whole(element: Element<'_>, name: &str) -> Result<u64, &'static str> {
    value(element, name)?.parse().map_err(|_| "no whole number")
}
