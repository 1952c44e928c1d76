//! What a three-way reconciliation leaves in its folder: totals, breaks with their leg, a page, the manifest last.

use super::totals::Total;
use super::walk::Walked;
use super::{Leg, PARTIES, Party};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::breaks::{Window, id};
use crate::reconcile::counts::Tally;
use crate::reconcile::report::words::{LANGUAGES, Language};
use crate::reconcile::report::{Folder, cell, grouped, sheet};
use crate::reconcile::run::Statement;
use qaqpa_kit::hex;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// A day of all three sides.
pub struct Day<'a> {
    pub day: OperatingDay,
    /// The files that came in, and of their rows those whose money was taken; in the order of [`PARTIES`].
    pub files: [&'a [Walked]; 3],
    pub kept: [Tally; 3],
    pub totals: &'a [Total],
}

/// Writes the table of totals, the breaks of every leg, the page in three languages, and the manifest, which
/// it returns.
///
/// # Errors
/// The disk.
pub fn write(folder: &Folder, day: &Day<'_>, legs: &mut [(Leg, Statement)]) -> io::Result<Value> {
    folder.put("totals.csv", totals(day.totals).as_bytes())?;
    breaks(folder, day.day, legs)?;
    for language in LANGUAGES {
        let page = page(language, day, legs);
        folder.put(&format!("report.{}.html", language.code()), page.as_bytes())?;
    }
    let manifest = manifest(day, legs);
    folder.finish(&manifest)?;
    Ok(manifest)
}

/// КБК and administrators with rows and money of each side, and what is between them.
fn totals(totals: &[Total]) -> String {
    let mut text =
        "kbk,administrator,verdict,journal_rows,journal_tiyn,register_rows,register_tiyn,\
        treasury_rows,treasury_tiyn,register_minus_journal_tiyn,treasury_minus_register_tiyn\r\n"
            .to_owned();
    for total in totals {
        let verdict = if total.is_agreed() { "AGREED" } else { "DIFFERS" };
        let _infallible = write!(text, "{},{},{verdict}", total.kbk, total.administrator);
        for Tally { rows, sum_tiyn } in total.sides {
            let _infallible = write!(text, ",{rows},{sum_tiyn}");
        }
        let [journal, register, treasury] = total.sides.map(|tally| tally.sum_tiyn);
        let (taken, credited) = (register - journal, treasury - register);
        let _infallible = write!(text, ",{taken},{credited}\r\n");
    }
    text
}

const HEAD: &str = "id,leg,category,key,acts,why,candidates,from_amount_tiyn,to_amount_tiyn,\
    payee_bin,kbk,value_date,document\r\n";

/// Breaks row by row, leg by leg.
fn breaks(folder: &Folder, day: OperatingDay, legs: &mut [(Leg, Statement)]) -> io::Result<()> {
    let mut table = folder.file("breaks.csv")?;
    table.write_all(HEAD.as_bytes())?;
    for (leg, statement) in legs {
        let window = Window { bank: leg.word(), day };
        let mut last: Option<(String, Vec<u8>, u32)> = None;
        while let Some(finding) = statement.findings.take()? {
            let Some(category) = finding.category else { continue };
            let (word, key) = (leg.category(category), finding.key());
            let number = match last.take() {
                Some((before, same, number)) if before == word && same == key => number + 1,
                _ => 0,
            };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let amount = |line: &Option<_>| {
                line.as_ref()
                    .map_or_else(String::new, |line: &crate::reconcile::ingest::source::Line| {
                        line.amount_tiyn.to_string()
                    })
            };
            let row = finding.journal.as_ref().or(finding.register.as_ref());
            let row = row.map(|line| line.row());
            let field = |of: fn(&crate::reconcile::ingest::row::Row<'_>) -> String| {
                row.as_ref().map_or_else(String::new, of)
            };
            let cells = [
                id(&window, finding.side(), &key, category, number),
                leg.word(),
                word.clone(),
                text(&key),
                leg.acts(category).to_owned(),
                finding.why(),
                finding.candidates.clone(),
                amount(&finding.journal),
                amount(&finding.register),
                field(|row| String::from_utf8_lossy(row.payee_bin).into_owned()),
                field(|row| String::from_utf8_lossy(row.kbk).into_owned()),
                field(|row| String::from_utf8_lossy(row.value_date).into_owned()),
                field(|row| String::from_utf8_lossy(row.receipt).into_owned()),
            ];
            let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
            write!(table, "{}\r\n", cells.join(","))?;
            last = Some((word, key, number));
        }
    }
    crate::reconcile::report::close(table)
}

fn manifest(day: &Day<'_>, legs: &[(Leg, Statement)]) -> Value {
    let mut inputs = Map::new();
    let mut sides = Map::new();
    for ((party, files), kept) in PARTIES.into_iter().zip(day.files).zip(day.kept) {
        let mut files: Vec<&Walked> = files.iter().collect();
        files.sort_by_key(|file| file.digest);
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let files = files.iter().map(|file| {
            json!({ "sha256": hex::lower(&file.digest), "bytes": file.bytes, "rows": file.rows })
        });
        inputs.insert(party.word().to_owned(), files.collect());
        let side = json!({ "rows": rows, "taken": kept.rows, "sum_tiyn": kept.sum_tiyn });
        sides.insert(party.word().to_owned(), side);
    }
    let legs: Map<String, Value> = legs
        .iter()
        .map(|(leg, statement)| {
            let leg_of = json!({
                "matched": statement.counts.matched.rows,
                "breaks": found(*leg, statement),
            });
            (leg.word(), leg_of)
        })
        .collect();
    let differs = day.totals.iter().filter(|total| !total.is_agreed()).count();
    json!({
        "form": 1,
        "kind": "treasury",
        "opdate": day.day.to_string(),
        "inputs": inputs,
        "sides": sides,
        "totals": { "lines": day.totals.len(), "differ": differs },
        "legs": legs,
        "code": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
    })
}

/// Breaks of a leg by category, in its own words.
fn found(leg: Leg, statement: &Statement) -> BTreeMap<String, u64> {
    let broken = statement.counts.broken.iter();
    broken.map(|(category, broken)| (leg.category(*category), broken.breaks)).collect()
}

/// A page to print: sums by КБК and administrator, then breaks by leg.
fn page(language: Language, day: &Day<'_>, legs: &[(Leg, Statement)]) -> String {
    let [title, kbk, administrator, journal, register, treasury, legs_word, count] =
        WORDS.map(|texts| language.of(texts));
    let mut body = format!(
        "<h1>{title}</h1>\n<p class=day>{}</p>\n<table><thead><tr><th>{kbk}</th><th>{administrator}</th>\
         <th class=n>{journal}</th><th class=n>{register}</th><th class=n>{treasury}</th></tr></thead>\n",
        day.day
    );
    for total in day.totals {
        let [ours, banks, credited] = total.sides.map(|tally| grouped(tally.sum_tiyn));
        let mark = if total.is_agreed() { "" } else { " class=d" };
        let _infallible = writeln!(
            body,
            "<tr{mark}><td>{}</td><td>{}</td><td class=n>{ours}</td><td class=n>{banks}</td>\
             <td class=n>{credited}</td></tr>",
            total.kbk, total.administrator
        );
    }
    let [ours, banks, credited] = day.kept.map(|tally| grouped(tally.sum_tiyn));
    let _infallible = writeln!(
        body,
        "<tfoot><tr><td></td><td></td><td class=n>{ours}</td><td class=n>{banks}</td>\
         <td class=n>{credited}</td></tr></tfoot></table>\n<h2>{legs_word}</h2>\n\
         <table><thead><tr><th></th><th></th><th class=n>{count}</th></tr></thead>"
    );
    let name = |party: Party| match party {
        Party::Journal => journal,
        Party::Register => register,
        Party::Treasury => treasury,
    };
    for (leg, statement) in legs {
        for (category, breaks) in found(*leg, statement) {
            let _infallible = writeln!(
                body,
                "<tr><td>{} – {}</td><td>{category}</td><td class=n>{breaks}</td></tr>",
                name(leg.from),
                name(leg.to)
            );
        }
    }
    body += "</table>\n";
    sheet(language, &format!("{title}: {}", day.day), &body)
}

/// The words of the page, in Kazakh, Russian and English.
const WORDS: [[&str; 3]; 8] = [
    [
        "Бюджет төлемдерін үшжақты салыстыру",
        "Трёхсторонняя сверка бюджетных платежей",
        "Three-way reconciliation of budget payments",
    ],
    ["БСК", "КБК", "КБК"],
    ["Бағдарлама әкімшісі", "Администратор программ", "Budget administrator"],
    ["Шлюз журналы", "Журнал шлюза", "Gateway's journal"],
    ["Банк тізілімдері", "Реестры банков", "Banks' registers"],
    ["Қазынашылық", "Казначейство", "Treasury"],
    ["Алшақтықтар", "Расхождения", "Breaks"],
    ["Саны", "Количество", "Count"],
];
