//! Results of several banks and days on one page to print: what matched, what broke, how old and how much it is.
//!
//! Everything on it is read from the folders that runs left, and nothing tells when or where the page was
//! made: the same folders make the same bytes, in whatever order they are named.

use super::breaks::Found;
use super::folder::MANIFEST;
use super::page::{Ages, by_age, escaped, grouped, sheet};
use super::plot;
use super::words::{Language, Word};
use crate::payments::calendar::OperatingDay;
use crate::reconcile::breaks::{BUCKETS, CATEGORIES};
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// Bars of one plot: what stands on a sheet of paper with a table beside it.
const BARS_MAX: usize = 31;
/// Bytes of a manifest, and of a line of breaks.
const BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// What a finished run left in its folder.
#[derive(Debug)]
pub struct Left {
    bank: String,
    day: OperatingDay,
    /// Of the journal and of the register.
    rows: [u64; 2],
    matched: u64,
    matched_tiyn: i128,
    ages: Ages,
    /// Operating days of the oldest break.
    oldest: Option<u32>,
}

#[derive(Deserialize)]
struct Manifest {
    bank: String,
    opdate: String,
    rows: Rows,
    matched: u64,
    breaks: BTreeMap<String, u64>,
    sums: Sums,
}

#[derive(Deserialize)]
struct Rows {
    journal: u64,
    register: u64,
}

#[derive(Deserialize)]
struct Sums {
    matched: i128,
}

#[derive(Deserialize)]
struct Break {
    category: String,
    age: String,
    age_days: u32,
    journal: Option<Row>,
    register: Option<Row>,
}

#[derive(Deserialize)]
struct Row {
    amount_tiyn: i64,
}

/// Reads the result in a folder.
///
/// # Errors
/// Why there is none of a bank's day, or why it is not whole.
pub fn read(folder: &Path) -> Result<Left, String> {
    let unread = |name: &str, error: &dyn std::fmt::Display| {
        format!("{}: {error}", folder.join(name).display())
    };
    let file = File::open(folder.join(MANIFEST));
    let file = file.map_err(|error| unread(MANIFEST, &format!("no finished run ({error})")))?;
    let mut text = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut text).map_err(|error| unread(MANIFEST, &error))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| unread(MANIFEST, &format!("no result of a bank's day ({error})")))?;
    let day: Date = manifest.opdate.parse().map_err(|error| unread(MANIFEST, &error))?;
    let mut left = Left {
        bank: manifest.bank,
        day: OperatingDay::of(day),
        rows: [manifest.rows.journal, manifest.rows.register],
        matched: manifest.matched,
        matched_tiyn: manifest.sums.matched,
        ages: Ages::new(),
        oldest: None,
    };
    breaks(&mut left, &folder.join(BREAKS)).map_err(|error| unread(BREAKS, &error))?;
    let mut counted = BTreeMap::new();
    for ((category, _), found) in &left.ages {
        *counted.entry(category.word().to_owned()).or_insert(0) += found.breaks;
    }
    if counted == manifest.breaks {
        Ok(left)
    } else {
        Err(unread(BREAKS, &"not the breaks that the manifest counts"))
    }
}

const BREAKS: &str = "breaks.jsonl";

fn breaks(left: &mut Left, path: &Path) -> Result<(), String> {
    let mut lines = BufReader::new(File::open(path).map_err(|error| error.to_string())?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.by_ref().take(BYTES_MAX).read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            return Ok(());
        }
        let one: Break = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
        let category = CATEGORIES.into_iter().find(|known| known.word() == one.category);
        let bucket = BUCKETS.into_iter().find(|known| *known == one.age);
        let (Some(category), Some(bucket)) = (category, bucket) else {
            return Err("a category or an age that there is not".to_owned());
        };
        // As in the table of a day: of two amounts the larger one is in question.
        let amounts = [one.journal, one.register].map(|row| row.map_or(0, |row| row.amount_tiyn));
        let found = left.ages.entry((category, bucket)).or_default();
        found.breaks += 1;
        found.sum_tiyn += i128::from(amounts.into_iter().max().unwrap_or_default());
        left.oldest = left.oldest.max(Some(one.age_days));
    }
}

impl Left {
    fn found(&self) -> Found {
        self.ages.values().fold(Found::default(), |sum, found| Found {
            breaks: sum.breaks + found.breaks,
            sum_tiyn: sum.sum_tiyn + found.sum_tiyn,
        })
    }
}

/// The page of these results.
///
/// # Errors
/// One day of one bank stands in two of them.
pub fn page(language: Language, mut all: Vec<Left>) -> Result<String, String> {
    all.sort_by(|one, other| (&one.bank, one.day).cmp(&(&other.bank, other.day)));
    let twins = all.windows(2).find_map(|pair| match pair {
        [one, other] if (&one.bank, one.day) == (&other.bank, other.day) => Some(one),
        _ => None,
    });
    if let Some(twin) = twins {
        return Err(format!("{} of {} is there twice", twin.day, twin.bank));
    }
    let word = |word| language.word(word);
    let title = word(Word::Overview);
    let days = all.iter().map(|left| left.day);
    let days = match (days.clone().min(), days.max()) {
        (Some(first), Some(last)) if first != last => format!("{first} – {last}"),
        (first, _) => first.map(|day| day.to_string()).unwrap_or_default(),
    };
    let mut body = format!("<h1>{title}</h1>\n<p class=day>{days}</p>\n");
    body += &table(language, &all);
    for of_bank in all.chunk_by(|one, other| one.bank == other.bank) {
        body += &bank(language, of_bank);
    }
    Ok(sheet(language, &format!("{title}: {days}"), &body))
}

/// A line for each bank and day.
fn table(language: Language, all: &[Left]) -> String {
    let word = |word| language.word(word);
    let mut table = format!(
        "<table class=w><thead><tr><th>{}</th><th>{}</th>",
        word(Word::Bank),
        word(Word::Date)
    );
    for head in
        [Word::Journal, Word::Register, Word::Matched, Word::Breaks, Word::AtStake, Word::Oldest]
    {
        let _infallible = write!(table, "<th class=n>{}</th>", word(head));
    }
    table += "</tr></thead>\n";
    let mut sum = [0_u64; 4];
    let (mut at_stake, mut oldest) = (0_i128, None);
    for left in all {
        let found = left.found();
        let [journal, register] = left.rows;
        let counts = [journal, register, left.matched, found.breaks];
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
        at_stake += found.sum_tiyn;
        oldest = oldest.max(left.oldest);
        let mark = if found.breaks == 0 { "" } else { " class=d" };
        let names = format!("<td>{}</td><td>{}</td>", escaped(&left.bank), left.day);
        let _infallible =
            writeln!(table, "<tr{mark}>{names}{}</tr>", cells(counts, found.sum_tiyn, left.oldest));
    }
    let total = cells(sum, at_stake, oldest);
    table
        + &format!(
            "<tfoot><tr><td>{}</td><td></td>{total}</tr></tfoot></table>\n",
            word(Word::Total)
        )
}

fn cells(counts: [u64; 4], at_stake: i128, oldest: Option<u32>) -> String {
    let mut cells = String::new();
    let counts = counts.map(|count| count.to_string()).into_iter();
    let oldest = oldest.map_or_else(|| "–".to_owned(), |days| days.to_string());
    for cell in counts.chain([grouped(at_stake), oldest]) {
        let _infallible = write!(cells, "<td class=n>{cell}</td>");
    }
    cells
}

/// A bank: its days as a plot, then each day that has breaks.
fn bank(language: Language, days: &[Left]) -> String {
    let word = |word| language.word(word);
    let name = days.first().map(|left| escaped(&left.bank)).unwrap_or_default();
    let mut body = format!("<h2>{name}</h2>\n");
    if days.iter().all(|left| left.ages.is_empty()) {
        return body + &format!("<p>{}</p>\n", word(Word::None));
    }
    let bars: Vec<_> =
        days.iter().map(|left| plot::of_day(left.day.to_string(), &left.ages)).collect();
    let most = plot::most(&bars);
    for part in bars.chunks(BARS_MAX) {
        body += &plot::bars(language, part, most);
    }
    for left in days.iter().filter(|left| !left.ages.is_empty()) {
        let bars = plot::by_category(language, &left.ages);
        let _infallible = writeln!(
            body,
            "<section><h3>{name} · {}</h3>\n<p>{}: {} · {} {}</p>",
            left.day,
            word(Word::Matched),
            left.matched,
            grouped(left.matched_tiyn),
            word(Word::Tenge)
        );
        body += &plot::bars(language, &bars, plot::most(&bars));
        body += &by_age(language, &left.ages);
        body += "</section>\n";
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::breaks::Category;

    fn left(bank: &str, day: &str, breaks: u64) -> Left {
        let mut ages = Ages::new();
        if breaks > 0 {
            let found = Found { breaks, sum_tiyn: 1_987_500 };
            ages.insert((Category::MissingInBank, ">30"), found);
        }
        Left {
            bank: bank.to_owned(),
            day: OperatingDay::of(day.parse().unwrap()),
            rows: [10, 9],
            matched: 9,
            matched_tiyn: 17_887_500,
            oldest: (breaks > 0).then_some(41),
            ages,
        }
    }

    #[test]
    fn the_same_results_make_the_same_page_in_whatever_order_they_come() {
        let some = || {
            vec![left("B", "2026-11-22", 0), left("A", "2026-11-23", 2), left("A", "2026-11-22", 1)]
        };
        let mut turned = some();
        turned.reverse();
        let page = page(Language::En, some()).unwrap();
        assert_eq!(Ok(&page), super::page(Language::En, turned).as_ref());
        assert!(page.contains("2026-11-22 – 2026-11-23"), "{page}");
        assert!(
            page.contains("<td class=n>3</td><td class=n>39\u{a0}750.00</td><td class=n>41</td>")
        );
        assert!(page.contains("<h2>B</h2>\n<p>No breaks</p>"), "{page}");
    }

    #[test]
    fn one_day_of_a_bank_stands_there_once_and_its_name_is_no_markup() {
        let twins = vec![left("A", "2026-11-22", 1), left("A", "2026-11-22", 2)];
        assert_eq!(page(Language::En, twins), Err("2026-11-22 of A is there twice".to_owned()));
        let page = page(Language::Kk, vec![left("<b>", "2026-11-22", 1)]).unwrap();
        assert!(page.contains("&lt;b&gt; · 2026-11-22") && !page.contains("<b>"), "{page}");
    }

    #[test]
    fn a_month_of_days_is_drawn_on_plots_that_fit_a_sheet() {
        let day = |number: i32| {
            let day = OperatingDay(20_000 + number);
            Left { day, ..left("A", "2026-11-22", 1) }
        };
        let page = page(Language::Ru, (0..40).map(day).collect()).unwrap();
        // Two for the bank, and one for each of its days.
        assert_eq!(page.matches("<svg ").count(), 42);
    }
}
