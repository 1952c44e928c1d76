//! MT940 and MT942, as some ten banks write them: statements of fields `:61:` with their `:86:`.

use super::Sink;
use super::amount::tiyn;
use super::draft::{Draft, REVERSED, code, id, set, tagged};
use super::moment::day;
use super::mt::{Field, Fields, Part, date};
use super::sequence::Sequence;
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use std::collections::BTreeMap;
use std::io::Read;

/// Accounts whose last page is remembered.
const ACCOUNTS_MAX: usize = 10_000;

/// Reads all statements of a file.
pub(super) fn read(from: &mut dyn Read, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
    let mut fields = Fields::new(from);
    let mut book = Book::default();
    loop {
        sink.at(fields.line());
        match fields.next()? {
            Some(Part::Field(field)) => {
                sink.at(field.line);
                book.field(&field, sink)?;
            }
            Some(Part::End) => book.end(sink)?,
            None => break,
        }
    }
    book.end(sink)?;
    if let Some(page) = book.carried.values().min_by_key(|page| page.line) {
        sink.broken(page.line, "the statement goes on after :62M:, but not in this file");
    }
    if book.statements == 0 {
        return Err(Stop::Whole(Reason::new("no statement in it")));
    }
    sink.found.statements = book.statements;
    if let Some(gap) = book.sequence.gap(":28C:") {
        sink.broken(0, gap);
    }
    Ok(())
}

/// A balance: signed tiyn and currency.
type Balance = (i64, [u8; 3]);

/// What a page hands over to the next one.
struct Page {
    /// Of its `:62M:`.
    line: u64,
    closed: Balance,
    /// Its place in `:28C:`.
    number: Option<u64>,
    page: Option<u64>,
}

#[derive(Default)]
struct Book {
    statements: u64,
    statement: Statement,
    /// The row that waits for its `:86:`.
    draft: Draft,
    has_draft: bool,
    /// By account: what `:62M:` carried over to a next page that is still awaited.
    carried: BTreeMap<Vec<u8>, Page>,
    sequence: Sequence,
}

#[derive(Default)]
struct Statement {
    is_begun: bool,
    line: u64,
    account: Vec<u8>,
    /// `:28C:`: the statement, and the page of it.
    number: Option<u64>,
    page: Option<u64>,
    opened: Option<Balance>,
    is_page: bool,
    closed: Option<Balance>,
    /// The line of `:62M:`.
    goes_on: Option<u64>,
    /// MT942: of credits and debits `:90C:` and `:90D:`.
    promised: [Option<(u64, i64)>; 2],
    counted: [(u64, i128); 2],
    net_tiyn: i128,
    /// `:34F:`: the currency of a report without balances.
    currency: Option<[u8; 3]>,
}

impl Book {
    fn field(&mut self, field: &Field, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let text = field.text.as_slice();
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        match &field.tag {
            b"86 " if self.has_draft => {
                words(&mut self.draft, text);
                return self.push(sink);
            }
            b"86 " => return Ok(()),
            _ => self.push(sink)?,
        }
        match &field.tag {
            b"20 " => {
                self.end(sink)?;
                self.begin(field.line);
            }
            b"60F" | b"60M" => {
                if self.statement.closed.is_some() {
                    let account = self.statement.account.clone();
                    self.end(sink)?;
                    self.statement.account = account;
                }
                self.begin(field.line);
                let opened = balance(first);
                self.statement.opened = Some(opened.map_err(|r| sink.wrong(field.line, r))?);
                self.statement.is_page = field.tag == *b"60M";
            }
            b"25 " | b"25P" => {
                self.begin(field.line);
                set(&mut self.statement.account, first);
            }
            b"28C" | b"28 " => {
                self.begin(field.line);
                let mut numbers = first.split(|byte| *byte == b'/').map(|text| {
                    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                    number.filter(|number: &u64| *number > 0)
                });
                self.statement.number = numbers.next().flatten();
                self.statement.page = numbers.next().flatten();
            }
            b"34F" => self.statement.currency = first.first_chunk::<3>().copied(),
            b"61 " => {
                self.begin(field.line);
                let read = transaction(&mut self.draft, text);
                read.map_err(|reason| sink.wrong(field.line, format!(":61: {reason}")))?;
                self.draft.line = field.line;
                self.has_draft = true;
            }
            b"62F" | b"62M" => {
                let closed = balance(first).map_err(|reason| sink.wrong(field.line, reason))?;
                self.statement.closed = Some(closed);
                self.statement.goes_on = (field.tag == *b"62M").then_some(field.line);
            }
            b"90C" | b"90D" => {
                let promised = total(first).map_err(|reason| sink.wrong(field.line, reason))?;
                let [credits, debits] = &mut self.statement.promised;
                *(if field.tag == *b"90C" { credits } else { debits }) = Some(promised);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, line: u64) {
        if !self.statement.is_begun {
            self.statement.is_begun = true;
            self.statement.line = line;
        }
    }

    fn push(&mut self, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        if !std::mem::take(&mut self.has_draft) {
            return Ok(());
        }
        let statement = &mut self.statement;
        let amount = i128::from(self.draft.amount_tiyn);
        statement.net_tiyn += if self.draft.is_debit { -amount } else { amount };
        let [credits, debits] = &mut statement.counted;
        let counted = if self.draft.is_debit { debits } else { credits };
        *counted = (counted.0 + 1, counted.1 + amount);
        let currency = statement.opened.map(|(_, currency)| currency).or(statement.currency);
        set(&mut self.draft.currency, &currency.unwrap_or(*b"KZT"));
        sink.push(&self.draft)
    }

    /// A statement has ended: did it keep its word?
    fn end(&mut self, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        self.push(sink)?;
        let statement = std::mem::take(&mut self.statement);
        if !statement.is_begun {
            return Ok(());
        }
        self.statements += 1;
        // An interim report between two pages is none of them.
        let before = statement.opened.and_then(|_| self.carried.remove(&statement.account));
        if let Some(reason) = statement.broken(before.as_ref()) {
            sink.broken(statement.line, reason);
        }
        let Statement { account, number, page, .. } = statement;
        if let Some(number) = number {
            self.sequence.add(account.clone(), number, true);
        }
        if let Some((closed, line)) = statement.closed.zip(statement.goes_on) {
            if self.carried.len() >= ACCOUNTS_MAX {
                sink.broken(line, "more than 10000 accounts await a next page");
            } else {
                self.carried.insert(account, Page { line, closed, number, page });
            }
        }
        Ok(())
    }
}

impl Statement {
    /// What it promised and did not keep, behind the page of its account that said it goes on.
    fn broken(&self, before: Option<&Page>) -> Option<String> {
        for ((promised, (count, sum)), name) in
            self.promised.iter().zip(self.counted).zip([":90C:", ":90D:"])
        {
            let Some((entries, amount)) = promised else { continue };
            if *entries != count || i128::from(*amount) != sum {
                return Some(format!(
                    "{name} says {entries} entries of {amount} tiyn, there are {count} of {sum}"
                ));
            }
        }
        let Some(opened) = self.opened else {
            // An interim report has no balances, and says so by its limit or its totals.
            let is_interim = self.currency.is_some() || self.promised.iter().any(Option::is_some);
            let reason = "no opening balance :60F: or :60M: (cut off?)";
            return (!is_interim).then(|| reason.to_owned());
        };
        if let Some(reason) = self.gap(before, opened) {
            return Some(reason);
        }
        let Some((closed, currency)) = self.closed else {
            return Some("no closing balance :62F: or :62M: (cut off?)".to_owned());
        };
        if currency != opened.1 {
            return Some("opening and closing balance are of two currencies".to_owned());
        }
        let sum = i128::from(opened.0) + self.net_tiyn;
        let (before, net) = (opened.0, self.net_tiyn);
        (sum != i128::from(closed)).then(|| {
            format!(
                "opening balance {before} and entries {net} tiyn make {sum}, closing is {closed}"
            )
        })
    }

    /// What is missing between the page before and this one.
    fn gap(&self, before: Option<&Page>, opened: Balance) -> Option<String> {
        let Some(before) = before else {
            let own = self.page.filter(|own| self.is_page && *own > 1)?;
            return Some(format!(":60M: of page {own}, and no page with :62M: before it"));
        };
        if !self.is_page {
            return Some(format!(":60F: where :60M: follows the :62M: of line {}", before.line));
        }
        if before.closed != opened {
            return Some(":60M: is not the :62M: of the page before".to_owned());
        }
        let (number, own) = before.number.zip(self.number)?;
        if number != own {
            return Some(format!(":60M: of :28C: {own} follows :62M: of :28C: {number}"));
        }
        let (page, own) = before.page.zip(self.page)?;
        (page.checked_add(1) != Some(own))
            .then(|| format!(":28C: {number}/{own} follows {number}/{page}: a page is missing"))
    }
}

/// `C` or `D`, a date, a currency and an amount.
fn balance(text: &[u8]) -> Result<Balance, &'static str> {
    const REASON: &str = "no balance like C261122KZT19875,00";
    let (mark, rest) = text.split_first().ok_or(REASON)?;
    let (_, rest) = date(rest).ok_or(REASON)?;
    let (currency, amount) = rest.split_first_chunk::<3>().ok_or(REASON)?;
    let amount = tiyn(amount)?;
    match mark {
        b'C' => Ok((amount, *currency)),
        b'D' => Ok((-amount, *currency)),
        _ => Err(REASON),
    }
}

/// Of `:90C:`: a number of entries, a currency and their sum.
fn total(text: &[u8]) -> Result<(u64, i64), &'static str> {
    const REASON: &str = "no total like 17KZT19875,00";
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (count, rest) = text.split_at_checked(digits).ok_or(REASON)?;
    let count =
        std::str::from_utf8(count).ok().and_then(|count| count.parse().ok()).ok_or(REASON)?;
    let (_, amount) = rest.split_first_chunk::<3>().ok_or(REASON)?;
    Ok((count, tiyn(amount)?))
}

/// `:61:` value date, entry date, mark, funds code, amount, kind, references.
fn transaction(draft: &mut Draft, text: &[u8]) -> Result<(), &'static str> {
    draft.clear();
    let (value, rest) = date(text).ok_or("no value date like 261122")?;
    let (posted, rest) = match rest.split_first_chunk::<4>() {
        Some((entry, rest)) if entry.iter().all(u8::is_ascii_digit) => {
            (posted(value, *entry), rest)
        }
        _ => (value, rest),
    };
    let rest = rest.trim_ascii_start();
    let (is_reversal, rest) = match rest {
        [b'R', rest @ ..] => (true, rest),
        // Expected, in an interim report.
        [b'E', rest @ ..] => (false, rest),
        _ => (false, rest),
    };
    // The mark says which way the money went: `RC` takes a credit back.
    let (is_debit, rest) = match rest {
        [b'D', rest @ ..] => (!is_reversal, rest),
        [b'C', rest @ ..] => (is_reversal, rest),
        _ => return Err("no mark C, D, RC or RD behind the dates"),
    };
    let rest = match rest {
        [letter, rest @ ..] if letter.is_ascii_alphabetic() => rest,
        _ => rest,
    };
    let rest = rest.trim_ascii_start();
    let is_money = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b',' | b'.');
    let digits = rest.iter().take_while(|byte| is_money(byte)).count();
    let (amount, rest) = rest.split_at_checked(digits).unwrap_or_default();
    draft.amount_tiyn = tiyn(amount)?;
    draft.is_debit = is_debit;
    if is_reversal {
        set(&mut draft.status, REVERSED);
    }
    set(&mut draft.posted_at, &posted);
    set(&mut draft.value_date, &value);
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // What is shorter or begins otherwise would give its first letters to the kind.
    let is_kind = matches!(line, [b'N' | b'F' | b'S' | b'M', _, _, _, ..]);
    if !is_kind && !line.trim_ascii().is_empty() {
        return Err("no kind of four characters like NTRF behind the amount");
    }
    let references = line.get(4..).unwrap_or_default();
    let (own, banks) = match memchr::memmem::find(references, b"//") {
        Some(at) => references.split_at_checked(at).unwrap_or_default(),
        None => (references, &[][..]),
    };
    set(&mut draft.e2e_id, id(own));
    set(&mut draft.receipt, id(banks.strip_prefix(b"//").unwrap_or(banks)));
    Ok(())
}

/// `MMDD` in the year that is nearest to the value date.
fn posted(value: [u8; 10], [m1, m2, d1, d2]: [u8; 4]) -> [u8; 10] {
    let number = |text: &[u8]| text.iter().fold(0_u16, |n, byte| n * 10 + u16::from(byte - b'0'));
    let [y1, y2, y3, y4, _, v1, v2, ..] = value;
    let (year, from, to) = (number(&[y1, y2, y3, y4]), number(&[v1, v2]), number(&[m1, m2]));
    let year = match (from, to) {
        (12, 1) | (11, 1) => year + 1,
        (1, 11..) | (2, 12..) => year.saturating_sub(1),
        _ => year,
    };
    day(format!("{year:04}").as_bytes(), &[m1, m2], &[d1, d2])
}

/// What `:86:` says more: the end-to-end id, and codes of the country behind tags.
fn words(draft: &mut Draft, text: &[u8]) {
    let mut joined = Vec::with_capacity(text.len());
    let mut rest = text;
    // A code of the structured form (`?20`) and a line's end stand in the middle of words.
    while let Some((byte, tail)) = rest.split_first() {
        rest = match (byte, tail) {
            (b'\n' | b'\r', _) => tail,
            (b'?', [a, b, tail @ ..]) if a.is_ascii_digit() && b.is_ascii_digit() => tail,
            _ => {
                joined.push(*byte);
                tail
            }
        };
    }
    let keyword =
        [b"EREF+", b"EREF:"].into_iter().find_map(|word| memchr::memmem::find(&joined, word));
    let found = match keyword {
        Some(at) => until_keyword(joined.get(at + 5..).unwrap_or_default()),
        None => tagged(&joined, b"/EREF/"),
    };
    if !id(found).is_empty() {
        set(&mut draft.e2e_id, id(found));
    }
    set(&mut draft.knp, code(tagged(&joined, b"/KNP/"), 3));
    for tag in [b"/KBK/".as_slice(), b"/BCLASS/"] {
        if draft.kbk.is_empty() {
            set(&mut draft.kbk, code(tagged(&joined, tag), 6));
        }
    }
}

/// Characters of an end-to-end id at most (ISO 20022).
const ID_BYTES_MAX: usize = 35;

/// Up to the next keyword of four capitals and a plus or a colon; nothing where that is too far.
fn until_keyword(text: &[u8]) -> &[u8] {
    let is_keyword = |at: usize| {
        text.get(at..at + 4).is_some_and(|word| word.iter().all(u8::is_ascii_uppercase))
    };
    let marks = memchr::memchr2_iter(b'+', b':', text).filter_map(|at| at.checked_sub(4));
    let end = marks.into_iter().find(|at| is_keyword(*at)).unwrap_or(text.len());
    text.get(..end).filter(|id| id.len() <= ID_BYTES_MAX).unwrap_or_default()
}
