//! What a month's comparison leaves in its folder: tables, a page to print, acts to sign, the manifest last.

use super::acts::{About, Content, act, central_differences};
use super::compare::{DIFFERENCES, Held, Verdict};
use super::form::{File, Month};
use super::{Counts, Numbers};
use crate::reconcile::act::{Digested, Party};
use crate::reconcile::report::Folder;
use crate::reconcile::report::words::{LANGUAGES, Language};
use aws_lc_rs::digest::{SHA256, digest};
use qaqpa_kit::hex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

/// Differences on the page at most.
const SHOWN_MAX: usize = 300;

/// A month's comparison.
pub struct Comparison<'a> {
    pub month: Month,
    pub agency: &'a [File],
    pub centre: &'a [File],
    pub head_office: &'a [File],
    pub held: &'a [Held],
    pub contents: &'a BTreeMap<About, Content>,
    /// The head office's own counts; empty where it sent none.
    pub central: &'a Counts,
    /// Who signs the acts of an agency; nobody: no act is written.
    pub parties: &'a dyn Fn(&str) -> Option<[Party; 2]>,
}

/// Writes everything, and returns the manifest.
///
/// # Errors
/// The disk.
pub fn write(folder: &Folder, comparison: &Comparison<'_>) -> io::Result<Value> {
    let central = match comparison.head_office {
        [] => Vec::new(),
        _ => central_differences(comparison.contents, comparison.central),
    };
    let mut tables = vec![
        ("counts.csv".to_owned(), counts(comparison.held.iter())),
        ("differences.csv".to_owned(), counts(comparison.held.iter().filter(is_difference))),
        ("central.csv".to_owned(), sums(comparison, &central)),
    ];
    for language in LANGUAGES {
        tables.push((format!("report.{}.html", language.code()), page(language, comparison)));
    }
    let manifest = manifest(comparison, central.len());
    tables.push(("manifest.json".to_owned(), format!("{manifest:#}\n")));
    let mut files: Vec<Digested> = tables
        .iter()
        .map(|(name, text)| Digested {
            name: name.clone(),
            sha256: hex::lower(digest(&SHA256, text.as_bytes()).as_ref()),
            bytes: text.len() as u64,
        })
        .collect();
    files.sort();
    tables.pop();
    for (name, text) in &tables {
        folder.put(name, text.as_bytes())?;
    }
    for (about, content) in comparison.contents {
        if let Some(parties) = (comparison.parties)(&about.agency) {
            let act = act(comparison.month, about, content, parties, &files);
            folder.put(&about.file(), act.document().as_bytes())?;
        }
    }
    folder.finish(&manifest)?;
    Ok(manifest)
}

fn is_difference(held: &&Held) -> bool {
    held.verdict != Verdict::Agreed
}

/// Keys with both sides' numbers. Names hold letters, digits, `.`, `_` and `-` and begin with a letter or a
/// digit: no cell is a formula or needs quotes.
fn counts<'a>(held: impl Iterator<Item = &'a Held>) -> String {
    let mut text = "agency,service,branch,unit,verdict,agency_given,agency_refused,agency_in_time,\
        agency_late,centre_given,centre_refused,centre_in_time,centre_late\r\n"
        .to_owned();
    for one in held {
        let key = &one.key;
        let _infallible = write!(
            text,
            "{},{},{},{},{}",
            key.agency,
            key.service,
            key.branch,
            key.unit,
            one.verdict.word()
        );
        cells(&mut text, one.agency);
        cells(&mut text, one.centre);
        text += "\r\n";
    }
    text
}

fn cells(text: &mut String, numbers: Option<Numbers>) {
    match numbers {
        None => *text += ",,,,",
        Some(numbers) => {
            for number in numbers.all() {
                let _infallible = write!(text, ",{number}");
            }
        }
    }
}

type Differing = (String, String, Option<Numbers>, Option<Numbers>);

/// The central sums, and where the head office says otherwise.
fn sums(comparison: &Comparison<'_>, differ: &[Differing]) -> String {
    let mut text = "agency,service,given,refused,in_time,late,head_office\r\n".to_owned();
    for (about, content) in comparison.contents {
        if about.branch.is_some() {
            continue;
        }
        for (key, numbers) in &content.counts {
            let is_other = differ
                .iter()
                .any(|(agency, service, ..)| *agency == key.agency && *service == key.service);
            let said = match (comparison.head_office.is_empty(), is_other) {
                (true, _) => "",
                (false, true) => "DIFFERS",
                (false, false) => "AGREED",
            };
            let _infallible = write!(text, "{},{}", key.agency, key.service);
            cells(&mut text, Some(*numbers));
            let _infallible = write!(text, ",{said}\r\n");
        }
    }
    for (agency, service, ..) in differ.iter().filter(|(_, _, sum, _)| sum.is_none()) {
        let _infallible = write!(text, "{agency},{service},,,,,ONLY_HEAD_OFFICE\r\n");
    }
    text
}

fn manifest(comparison: &Comparison<'_>, central_differences: usize) -> Value {
    let inputs = |files: &[File]| {
        let mut digests: Vec<String> = files.iter().map(|file| hex::lower(&file.digest)).collect();
        digests.sort();
        digests
    };
    let rows = |files: &[File]| files.iter().map(|file| file.rows.len()).sum::<usize>();
    let verdicts: BTreeMap<&str, usize> = DIFFERENCES
        .into_iter()
        .map(|verdict| {
            let mine = comparison.held.iter().filter(|one| one.verdict == verdict);
            (verdict.word(), mine.count())
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    let agreed = comparison.held.iter().filter(|one| one.verdict == Verdict::Agreed).count();
    json!({
        "form": 1,
        "kind": "services",
        "month": comparison.month.to_string(),
        "inputs": {
            "agency": inputs(comparison.agency),
            "centre": inputs(comparison.centre),
            "head_office": inputs(comparison.head_office),
        },
        "rows": { "agency": rows(comparison.agency), "centre": rows(comparison.centre) },
        "agreed": agreed,
        "differences": verdicts,
        "central_differences": central_differences,
        "acts": comparison.contents.len(),
        "code": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
    })
}

/// A page to print: agencies with their sums, then what differs.
fn page(language: Language, comparison: &Comparison<'_>) -> String {
    let [title, agency, given, refused, in_time, late, differ, service, branch, unit, centre] =
        WORDS.map(|texts| language.of(texts));
    let head = |names: &[&str], numbers: usize| {
        let heads = names.iter().enumerate().map(|(at, name)| {
            let class = if at + numbers >= names.len() { " class=n" } else { "" };
            format!("<th{class}>{name}</th>")
        });
        format!("<table><thead><tr>{}</tr></thead>\n", heads.collect::<String>())
    };
    let mut body = format!("<h1>{title}</h1>\n<p class=day>{}</p>\n", comparison.month);
    body += &head(&[agency, given, refused, in_time, late, differ], 5);
    for (about, content) in comparison.contents.iter().filter(|(about, _)| about.branch.is_none()) {
        let sum = content.counts.values().try_fold(Numbers::default(), |sum, one| sum.plus(*one));
        let [given, refused, in_time, late] = sum.unwrap_or_default().all();
        let differ: u64 = content.differences.values().sum();
        let _infallible = writeln!(
            body,
            "<tr><td>{}</td><td class=n>{given}</td><td class=n>{refused}</td><td class=n>{in_time}\
             </td><td class=n>{late}</td><td class=n>{differ}</td></tr>",
            about.agency
        );
    }
    let _infallible = writeln!(body, "</table>\n<h2>{differ}</h2>");
    body += &head(&[agency, service, branch, unit, "", agency, centre], 2);
    let numbers = |numbers: Option<Numbers>| match numbers {
        None => "–".to_owned(),
        Some(numbers) => numbers.all().map(|number| number.to_string()).join(" / "),
    };
    for one in comparison.held.iter().filter(is_difference).take(SHOWN_MAX) {
        let key = &one.key;
        let _infallible = writeln!(
            body,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><small>{}</small></td>\
             <td class=n>{}</td><td class=n>{}</td></tr>",
            key.agency,
            key.service,
            key.branch,
            key.unit,
            one.verdict.word(),
            numbers(one.agency),
            numbers(one.centre)
        );
    }
    let _infallible = write!(
        body,
        "</table>\n<p><small>{given} / {refused} / {in_time} / {late}; counts.csv</small></p>\n"
    );
    crate::reconcile::report::sheet(language, &format!("{title}: {}", comparison.month), &body)
}

/// The words of the page, in Kazakh, Russian and English.
const WORDS: [[&str; 3]; 11] = [
    [
        "Көрсетілген қызметтерді ай сайынғы салыстыру",
        "Ежемесячная сверка оказанных услуг",
        "Monthly comparison of services given",
    ],
    ["Орган", "Орган", "Agency"],
    ["Көрсетілді", "Оказано", "Given"],
    ["Бас тартылды", "Отказано", "Refused"],
    ["Мерзімінде", "В срок", "In time"],
    ["Мерзімі өткен", "С опозданием", "Late"],
    ["Алшақтықтар", "Расхождения", "Differences"],
    ["Қызмет", "Услуга", "Service"],
    ["Филиал", "Филиал", "Branch"],
    ["Аумақ", "Территория", "Territorial unit"],
    ["Орталық", "Центр", "Centre"],
];
