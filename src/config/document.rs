//! One TOML file read to its raw struct with every mistake told, not only the first.
//!
//! serde stops at the first mistake. So the mistake is noted, its key is struck from the table (or
//! renamed to the known key that was evidently meant), and the table is read again until it fits.

use super::finding::{Finding, Findings, Source, key_path, nearest};
use super::lines::Lines;
use super::ranges::{self, Range};
use super::words::{choice, wrong_type};
use serde::de::DeserializeOwned;
use std::ops;
use toml::Spanned;
use toml::de::{DeInteger, DeString, DeTable, DeValue, Deserializer};

/// Mistakes of form told for one file at most; a file with more is no configuration.
const MISTAKES_MAX: usize = 100;

/// A file's values and where each of them stands.
#[derive(Debug, Default)]
pub(super) struct Document<T> {
    pub(super) source: Source,
    pub(super) raw: T,
}

impl<T: Default> Document<T> {
    /// Stands in for a file that could not be read at all.
    pub(super) fn unreadable(file: String) -> Self {
        let source = Source { file, is_broken: true, ..Source::default() };
        Self { source, raw: T::default() }
    }
}

/// Reads one file; what cannot be read of it is noted and left at its default.
pub(super) fn read<T: DeserializeOwned + Default>(
    file: &str,
    text: &str,
    limits: &[Range],
    findings: &mut Findings,
) -> Document<T> {
    let (root, syntax) = DeTable::parse_recoverable(text);
    let source =
        Source { file: file.to_owned(), is_broken: !syntax.is_empty(), ..Source::default() };
    let lines = Lines::of(text);
    let mut reading = Reading { text, lines, source, root, mistakes: Vec::new() };
    for error in &syntax {
        reading.note_syntax(error);
    }
    let broken_lines: Vec<_> = reading.mistakes.iter().map(|mistake| mistake.line).collect();
    let raw = reading.fit(limits);
    index(&reading.lines, reading.root.get_ref(), "", &mut reading.source);
    for (at, mistake) in reading.mistakes.into_iter().enumerate() {
        // What follows from a line that is no TOML is not told a second time.
        if at < broken_lines.len() || !broken_lines.contains(&mistake.line) {
            findings.file_error(mistake);
        }
    }
    Document { source: reading.source, raw }
}

struct Reading<'t> {
    text: &'t str,
    lines: Lines,
    source: Source,
    root: Spanned<DeTable<'t>>,
    mistakes: Vec<Finding>,
}

/// A key and its value, each with its bytes in the file.
type Entry<'t> = (Spanned<DeString<'t>>, Spanned<DeValue<'t>>);

/// One step from a table or a list to what it holds.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

impl<'t> Reading<'t> {
    /// Reads, strikes and reads again until the table fits.
    fn fit<T: DeserializeOwned + Default>(&mut self, limits: &[Range]) -> T {
        while self.mistakes.len() < MISTAKES_MAX {
            self.strike_numbers(limits);
            match T::deserialize(Deserializer::from(self.root.clone())) {
                Ok(raw) => return raw,
                Err(error) if self.repair(&error) => {}
                Err(_) => break,
            }
        }
        self.source.is_broken = true;
        T::default()
    }

    fn note_syntax(&mut self, error: &toml::de::Error) {
        let at = error.span().map_or(0, |span| span.start);
        let line = self.lines.line(at);
        let written = self.text.lines().nth(line - 1).unwrap_or_default();
        let key = written.split('=').next().unwrap_or_default().trim().to_owned();
        self.mistakes.push(Finding {
            file: self.source.file.clone(),
            line: Some(line),
            key,
            wrong: format!("this is no TOML: {}", error.message().replace('\n', ", ")),
            cure: "write `key = value`, texts in \"quotes\", lists in [brackets]".to_owned(),
        });
    }

    /// Notes and strikes every number beyond its limits.
    fn strike_numbers(&mut self, limits: &[Range]) {
        let mut beyond = Vec::new();
        numbers(self.root.get_ref(), &[], &mut |steps, number| {
            if let Some((min, max)) = ranges::find(limits, &keys(steps)) {
                let value = i128::from_str_radix(number.as_str(), number.radix()).ok();
                if !value.is_some_and(|v| (i128::from(min)..=i128::from(max)).contains(&v)) {
                    beyond.push((steps.to_vec(), number.to_string(), min, max));
                }
            }
        });
        for (steps, number, min, max) in beyond {
            let cure = format!("write a whole number, {min} … {max}");
            self.strike(&steps, format!("{number} is beyond the limits of this key"), cure);
        }
    }

    /// Notes what serde found; false where its place is not known.
    fn repair(&mut self, error: &toml::de::Error) -> bool {
        let Some(span) = error.span() else { return false };
        let Some(steps) = locate(self.root.get_ref(), &span) else { return false };
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        if message.starts_with("unknown field") {
            let written = quoted.next().unwrap_or_default().to_owned();
            let known: Vec<&str> = quoted.collect();
            self.repair_unknown(&steps, &written, &known);
        } else if message.starts_with("unknown variant") {
            let written = quoted.next().unwrap_or_default();
            let known: Vec<&str> = quoted.collect();
            let cure = match nearest(written, &known) {
                Some(meant) => format!("write \"{meant}\""),
                None => format!("write one of {}", choice(&known)),
            };
            self.strike(&steps, format!("{written:?} is no value of this key"), cure);
        } else {
            let (wrong, cure) = wrong_type(message);
            self.strike(&steps, wrong, cure);
        }
        true
    }

    /// Notes an unknown key; the value goes to the known key that was meant, if that one is free.
    fn repair_unknown(&mut self, steps: &[Step], written: &str, known: &[&str]) {
        let meant = nearest(written, known);
        let cure = match meant {
            Some(meant) => format!("write `{meant}`"),
            None => format!("delete it; known here are {}", choice(known)),
        };
        let struck = self.strike(steps, "unknown key".to_owned(), cure);
        let (Some((_, around)), Some(meant), Some((key, value))) =
            (steps.split_last(), meant, struck)
        else {
            return;
        };
        if let Some(table) = table_at(self.root.get_mut(), around)
            && !table.contains_key(meant)
        {
            table.insert(Spanned::new(key.span(), meant.to_owned().into()), value);
        }
    }

    /// Notes a mistake and takes its key out of the table.
    fn strike(&mut self, steps: &[Step], wrong: String, cure: String) -> Option<Entry<'t>> {
        let path = written_path(steps);
        let (last, around) = steps.split_last()?;
        let Step::Key(key) = last else { return None };
        let table = table_at(self.root.get_mut(), around)?;
        let entry = table.remove_entry(key.as_str())?;
        self.mistakes.push(Finding {
            file: self.source.file.clone(),
            line: Some(self.lines.line(entry.0.span().start)),
            key: path.clone(),
            wrong,
            cure,
        });
        self.source.struck.push(path);
        Some(entry)
    }
}

/// The steps as the operator reads them: `listener[0].address`.
fn written_path(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |path, step| match step {
        Step::Key(key) => key_path(&path, key),
        Step::Item(index) => format!("{path}[{index}]"),
    })
}

/// The keys alone, without the lists' indices.
fn keys<'s>(steps: &'s [Step]) -> Vec<&'s str> {
    let key = |step: &'s Step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Item(_) => None,
    };
    steps.iter().filter_map(key).collect()
}

fn with(steps: &[Step], step: Step) -> Vec<Step> {
    steps.iter().cloned().chain([step]).collect()
}

/// Every table and value directly below a key: itself, or the items of its list.
fn below<'v, 't>(value: &'v DeValue<'t>, steps: &[Step]) -> Vec<(Vec<Step>, &'v DeValue<'t>)> {
    match value.as_array() {
        Some(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (with(steps, Step::Item(index)), item.get_ref()))
            .collect(),
        None => vec![(steps.to_vec(), value)],
    }
}

/// Visits every whole number of a table.
fn numbers(table: &DeTable<'_>, steps: &[Step], visit: &mut dyn FnMut(&[Step], &DeInteger<'_>)) {
    for (key, value) in table {
        let steps = with(steps, Step::Key(key.get_ref().to_string()));
        for (steps, value) in below(value.get_ref(), &steps) {
            match value {
                DeValue::Integer(number) => visit(&steps, number),
                DeValue::Table(table) => numbers(table, &steps, visit),
                _ => {}
            }
        }
    }
}

/// The key whose name lies exactly at these bytes of the file, else the one whose value covers them.
///
/// The name goes first, because the value of a `[table]` covers the names in its own header.
fn locate(root: &DeTable<'_>, span: &ops::Range<usize>) -> Option<Vec<Step>> {
    let covers = |value: ops::Range<usize>| value.start <= span.start && span.end <= value.end;
    innermost(root, &[], &|key, _| key == *span)
        .or_else(|| innermost(root, &[], &|_, value| covers(value)))
}

/// The innermost key whose own bytes and whose value's bytes satisfy the question.
fn innermost(
    table: &DeTable<'_>,
    steps: &[Step],
    is_meant: &dyn Fn(ops::Range<usize>, ops::Range<usize>) -> bool,
) -> Option<Vec<Step>> {
    let step = |key: &Spanned<DeString<'_>>| with(steps, Step::Key(key.get_ref().to_string()));
    let inside = table.iter().find_map(|(key, value)| {
        below(value.get_ref(), &step(key))
            .into_iter()
            .find_map(|(steps, value)| innermost(value.as_table()?, &steps, is_meant))
    });
    inside.or_else(|| {
        let (key, _) = table.iter().find(|(key, value)| is_meant(key.span(), value.span()))?;
        Some(step(key))
    })
}

/// The table at the end of these steps.
fn table_at<'v, 't>(table: &'v mut DeTable<'t>, steps: &[Step]) -> Option<&'v mut DeTable<'t>> {
    let mut table = table;
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        let Step::Key(key) = step else { return None };
        let mut value = table.get_mut(key.as_str())?.get_mut();
        while let DeValue::Array(items) = value {
            let Some(Step::Item(index)) = steps.next() else { return None };
            value = items.get_mut(*index)?.get_mut();
        }
        let DeValue::Table(inner) = value else { return None };
        table = inner;
    }
    Some(table)
}

/// Notes the line of every key and list item.
fn index(lines: &Lines, table: &DeTable<'_>, path: &str, source: &mut Source) {
    for (key, value) in table {
        let path = key_path(path, key.get_ref());
        source.lines.insert(path.clone(), lines.line(key.span().start));
        let items = value.get_ref().as_array().map_or(&[][..], |items| items.as_ref());
        for (at, item) in items.iter().enumerate() {
            let path = format!("{path}[{at}]");
            source.lines.insert(path.clone(), lines.line(item.span().start));
            if let Some(table) = item.get_ref().as_table() {
                index(lines, table, &path, source);
            }
        }
        if let Some(table) = value.get_ref().as_table() {
            index(lines, table, &path, source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw;

    fn told<T: DeserializeOwned + Default>(text: &str, limits: &[Range]) -> (T, Vec<String>) {
        let mut findings = Findings::default();
        let document = read::<T>("f", text, limits, &mut findings);
        let told = match findings.settle() {
            Ok(_) => Vec::new(),
            Err(errors) => errors.findings().iter().map(ToString::to_string).collect(),
        };
        (document.raw, told)
    }

    #[test]
    fn every_mistake_of_form_is_told_at_once_with_its_line_and_cure() {
        let text = "[limits]\nbody_bytes_max = 7\nhead_byte_max = 2048\n[limits.xml]\n\
                    depth_max = \"deep\"\n[[listener]]\ntls = \"mutal\"\ncolour = 1\n\
                    [[listener]]\naddress = 8443\n[ops]\nlog_json = \"no\"\n";
        let (raw, told): (raw::Gateway, _) = told(text, ranges::GATEWAY);
        assert_eq!(
            told,
            [
                "f:2: limits.body_bytes_max: 7 is beyond the limits of this key. \
                 Cure: write a whole number, 1024 … 268435456.",
                "f:3: limits.head_byte_max: unknown key. Cure: write `head_bytes_max`.",
                "f:5: limits.xml.depth_max: string \"deep\" stands where a whole number belongs. \
                 Cure: write a whole number.",
                "f:7: listener[0].tls: \"mutal\" is no value of this key. Cure: write \"mutual\".",
                "f:8: listener[0].colour: unknown key. Cure: delete it; known here are `address`, \
                 `tls`, `certificate_file`, `key_file`, `public_url`, `http2`, `reuse_port`, `receipts`.",
                "f:10: listener[1].address: integer `8443` stands where a text in \"quotes\" \
                 belongs. Cure: write a text in \"quotes\".",
                "f:12: ops.log_json: string \"no\" stands where true or false belongs. \
                 Cure: write true or false.",
            ]
        );
        assert_eq!(raw.limits.head_bytes_max, 2048, "what was evidently meant is read on");
        assert_eq!(raw.listener.len(), 2);
    }

    #[test]
    fn a_misspelt_table_is_read_as_the_one_that_was_meant() {
        let text = "[limit]\nhead_bytes_max = 1\n[jurnal.embeded]\npath = \"x\"\n";
        let (raw, told): (raw::Gateway, _) = told(text, ranges::GATEWAY);
        assert_eq!(told.len(), 4, "{told:#?}");
        assert_eq!(raw.journal.embedded.path, "x");
        assert!(told[1].starts_with("f:2: limits.head_bytes_max: 1 is beyond"), "{}", told[1]);
    }

    #[test]
    fn a_line_that_is_no_toml_does_not_hide_the_others() {
        let text = "id = demo\nsender_id = \nbin = 5\nquota = { burst = 0, per_second = 1 \n";
        let (_, told): (raw::Participant, _) = told(text, ranges::PARTICIPANT);
        let lines: Vec<_> = told.iter().filter_map(|text| text.split(':').nth(1)).collect();
        assert_eq!(lines, ["1", "2", "3", "4"], "{told:#?}");
    }

    #[test]
    fn the_line_of_a_key_is_known_wherever_it_is_written() {
        let text = "services = [\n\"a\",\n\"b\"]\n[service_quota.\"x.y\"]\nburst = 2\n";
        let mut findings = Findings::default();
        let read = read::<raw::Participant>("f", text, ranges::PARTICIPANT, &mut findings);
        let top = read.source.top();
        assert_eq!(top.key("services").item(1).reference(), "f:3");
        assert_eq!(top.key("service_quota").key("x.y").key("burst").reference(), "f:5");
    }

    #[test]
    fn a_number_may_be_written_in_every_way_that_toml_knows() {
        let text = "[limits]\nhead_bytes_max = 0x1000\nbody_bytes_max = 1_048_576\n\
                    in_flight_max = -5\nconnections_max = 99999999999999999999\n";
        let (raw, told): (raw::Gateway, _) = told(text, ranges::GATEWAY);
        assert_eq!((raw.limits.head_bytes_max, raw.limits.body_bytes_max), (4096, 1_048_576));
        assert_eq!(told.len(), 2, "{told:#?}");
    }
}
