//! 1CClientBankExchange, in its Kazakh and Russian names of fields, of any of its three encodings.
//!
//! The bank's number is the receipt. No field of it is our end-to-end id but `Код`, the unique identifier
//! of a payment in newer versions. What a section of the account promises is held against its documents.

use super::Sink;
use super::amount::signed;
use super::draft::{Draft, code, id, set};
use super::lines::Lines;
use super::moment::day;
use crate::reconcile::ingest::day::calendar_date;
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use std::collections::BTreeSet;
use std::io::Read;

/// Reads a file to its `КонецФайла`.
pub(super) fn read(from: &mut dyn Read, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
    let mut lines = Lines::new(from);
    let mut exchange = Exchange::default();
    loop {
        let line = lines.next().map(|line| line.map(<[u8]>::to_vec));
        let number = lines.number;
        sink.at(number);
        let Some(line) = line? else { break };
        let text = String::from_utf8(line)
            .map_err(|_| sink.wrong(number, "not text of the encoding of the lines before"))?;
        exchange.line(&text, number, sink)?;
    }
    if let Some(line) = exchange.strange.filter(|_| !exchange.is_legible) {
        let reason = "no word of this form: the encoding is none of windows-1251, cp866, UTF-8";
        return Err(sink.wrong(line, reason));
    }
    if exchange.place != Place::End {
        let reason = "no КонецФайла: cut off, or still being written";
        return Err(Stop::Whole(Reason::new(reason)));
    }
    sink.found.statements = exchange.accounts.max(1);
    if let Some(reason) = exchange.broken() {
        sink.broken(0, reason);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Begin,
    Head,
    Account,
    Document,
    End,
}

#[derive(Default)]
struct Exchange {
    place: Place,
    /// One of [`WORDS`] was read.
    is_legible: bool,
    /// The first line of letters that are none of ours.
    strange: Option<u64>,
    accounts: u64,
    account: Account,
    /// Sums of the accounts' turnovers, in and out; `None` where one does not tell.
    turnovers: [Option<i128>; 2],
    /// Own accounts.
    own: BTreeSet<String>,
    document: Document,
    /// Money of the documents, in and out.
    counted: [i128; 2],
    has_unclear: bool,
}

/// `СекцияРасчСчет`.
#[derive(Default)]
struct Account {
    opened: Option<i64>,
    closed: Option<i64>,
    came: Option<i64>,
    went: Option<i64>,
}

/// `СекцияДокумент`.
#[derive(Default)]
struct Document {
    line: u64,
    draft: Draft,
    /// Fields that stood in it already.
    keys: BTreeSet<Key>,
    sum_tiyn: Option<i64>,
    came_tiyn: i64,
    went_tiyn: i64,
    has_come: bool,
    has_gone: bool,
    payer_account: String,
    payee_account: String,
    days: [Vec<u8>; 4],
}

/// Fields of a document that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number,
    Identifier,
    Sum,
    Came,
    Went,
    /// By weight: the operation's day, the debit's or the credit's, the document's.
    Operation,
    Credited,
    Debited,
    Written,
    Value,
    Payer,
    Payee,
    PayerAccount,
    PayeeAccount,
    Purpose,
    Budget,
    Currency,
}

/// Words by one of which a file shows that its letters are read as they were written.
const WORDS: [&str; 5] =
    ["ВерсияФормата", "Кодировка", "СекцияРасчСчет", "СекцияДокумент", "КонецФайла"];

/// Names of one field, the drift between banks included.
const KEYS: &[(&str, Key)] = &[
    ("НомерДокумента", Key::Number),
    ("Номер", Key::Number),
    ("Код", Key::Identifier),
    ("Сумма", Key::Sum),
    ("СуммаПриход", Key::Came),
    ("СуммаРасход", Key::Went),
    ("ДатаОперации", Key::Operation),
    ("ДатаПоступило", Key::Credited),
    ("ДатаСписано", Key::Debited),
    ("ДатаДокумента", Key::Written),
    ("Дата", Key::Written),
    ("ДатаВалютирования", Key::Value),
    ("ПлательщикБИН_ИИН", Key::Payer),
    ("Плательщик_БИН_ИИН", Key::Payer),
    ("ПлательщикБИНИИН", Key::Payer),
    ("Плательщик_ИНН", Key::Payer),
    ("ПлательщикИНН", Key::Payer),
    ("ПлательщикИИН", Key::Payer),
    ("ПлательщикБИН", Key::Payer),
    ("ПолучательБИН_ИИН", Key::Payee),
    ("Получатель_БИН_ИИН", Key::Payee),
    ("ПолучательБИНИИН", Key::Payee),
    ("Получатель_ИНН", Key::Payee),
    ("ПолучательИНН", Key::Payee),
    ("ПолучательИИН", Key::Payee),
    ("ПолучательБИН", Key::Payee),
    ("ПлательщикИИК", Key::PayerAccount),
    ("ПлательщикСчет", Key::PayerAccount),
    ("ПлательщикРасчСчет", Key::PayerAccount),
    ("ПолучательИИК", Key::PayeeAccount),
    ("ПолучательСчет", Key::PayeeAccount),
    ("ПолучательРасчСчет", Key::PayeeAccount),
    ("КодНазначенияПлатежа", Key::Purpose),
    ("КНП", Key::Purpose),
    ("КодБК", Key::Budget),
    ("КБК", Key::Budget),
    ("КодБюджетнойКлассификации", Key::Budget),
    ("ПоказательКБК", Key::Budget),
    ("Валюта", Key::Currency),
];

impl Exchange {
    fn line(&mut self, text: &str, number: u64, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let text = text.trim();
        let (key, value) = text.split_once('=').map_or((text, ""), |(k, v)| (k.trim(), v.trim()));
        let wrong = |sink: &mut Sink<'_, '_>, reason: &str| Err(sink.wrong(number, reason));
        if self.place == Place::Head && !key.is_ascii() && !self.is_legible {
            self.is_legible = WORDS.contains(&key);
            self.strange.get_or_insert(number);
        }
        match (self.place, key) {
            // Blank lines before, and the mark with which DOS ended its texts.
            (Place::Begin, "") | (Place::End, "" | "\u{1a}") => {}
            (Place::Begin, "1CClientBankExchange") => self.place = Place::Head,
            (Place::Begin, _) => return wrong(sink, "1CClientBankExchange does not stand first"),
            (Place::End, _) => return wrong(sink, "something follows КонецФайла"),
            (Place::Head, "СекцияРасчСчет") => {
                self.place = Place::Account;
                self.account = Account::default();
            }
            (Place::Account, "КонецРасчСчет") => {
                self.place = Place::Head;
                self.account_ended(number, sink);
            }
            (Place::Head, "СекцияДокумент") => {
                self.place = Place::Document;
                self.document = Document { line: number, ..Document::default() };
            }
            (Place::Document, "КонецДокумента") => {
                self.place = Place::Head;
                self.document_ended(sink)?;
            }
            (Place::Head, "КонецФайла") => self.place = Place::End,
            (
                _,
                "СекцияРасчСчет"
                | "КонецРасчСчет"
                | "СекцияДокумент"
                | "КонецДокумента"
                | "КонецФайла",
            ) => {
                return wrong(sink, "a section begins or ends inside another one");
            }
            (Place::Head | Place::Account, "РасчСчет") => {
                if self.own.len() < 1_000 {
                    self.own.insert(value.to_owned());
                }
            }
            (Place::Account, _) => {
                self.account.field(key, value).map_err(|reason| sink.wrong(number, reason))?;
            }
            (Place::Document, _) => {
                self.document.field(key, value).map_err(|reason| sink.wrong(number, reason))?;
            }
            (Place::Head, _) => {}
        }
        Ok(())
    }

    fn account_ended(&mut self, line: u64, sink: &mut Sink<'_, '_>) {
        let Account { opened, closed, came, went } = self.account;
        self.accounts += 1;
        for (sum, turnover) in self.turnovers.iter_mut().zip([came, went]) {
            let so_far = if self.accounts == 1 { Some(0) } else { *sum };
            *sum = so_far.zip(turnover).map(|(sum, turnover)| sum + i128::from(turnover));
        }
        let (Some(opened), Some(closed)) = (opened, closed) else { return };
        let (Some(came), Some(went)) = (came, went) else { return };
        let sum = i128::from(opened) + i128::from(came) - i128::from(went);
        if sum != i128::from(closed) {
            let reason = format!(
                "НачальныйОстаток {opened} + {came} - {went} tiyn make {sum}, КонечныйОстаток is {closed}"
            );
            sink.broken(line, reason);
        }
    }

    fn document_ended(&mut self, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let document = std::mem::take(&mut self.document);
        let line = document.line;
        let is_own = |account: &str| self.own.contains(account);
        let way = match (document.came_tiyn > 0, document.went_tiyn > 0) {
            (true, false) => Some(false),
            (false, true) => Some(true),
            _ => match (is_own(&document.payer_account), is_own(&document.payee_account)) {
                (true, false) => Some(true),
                (false, true) => Some(false),
                _ if document.has_gone != document.has_come => Some(document.has_gone),
                _ => None,
            },
        };
        let draft = document.draft(way.unwrap_or(false)).map_err(|r| sink.wrong(line, r))?;
        self.has_unclear |= way.is_none();
        let [came, went] = &mut self.counted;
        *(if draft.is_debit { went } else { came }) += i128::from(draft.amount_tiyn);
        sink.push(&draft)
    }

    /// What the accounts promise of their documents and is not so.
    fn broken(&self) -> Option<String> {
        if self.has_unclear || self.accounts == 0 {
            return None;
        }
        let names = ["ВсегоПоступило", "ВсегоСписано"];
        let sums = self.turnovers.iter().zip(self.counted).zip(names);
        sums.into_iter().find_map(|((promised, counted), name)| {
            let promised = promised.filter(|promised| *promised != counted)?;
            Some(format!("{name} is {promised} tiyn, of the documents {counted}"))
        })
    }
}

impl Account {
    fn field(&mut self, key: &str, value: &str) -> Result<(), String> {
        let place = match key {
            "НачальныйОстаток" => &mut self.opened,
            "КонечныйОстаток" => &mut self.closed,
            "ВсегоПоступило" => &mut self.came,
            "ВсегоСписано" => &mut self.went,
            _ => return Ok(()),
        };
        if place.replace(money(key, value)?).is_some() {
            return Err(format!("{key} is given twice"));
        }
        Ok(())
    }
}

impl Document {
    fn field(&mut self, name: &str, value: &str) -> Result<(), String> {
        let found = KEYS.iter().find(|(known, _)| *known == name);
        let Some((_, key)) = found else { return Ok(()) };
        let value = unquoted(value);
        if value.is_empty() {
            return Ok(());
        }
        if !self.keys.insert(*key) && !matches!(key, Key::Payer | Key::Payee) {
            return Err(format!("{name} is given twice"));
        }
        let draft = &mut self.draft;
        match key {
            Key::Number => set(&mut draft.receipt, id(value.as_bytes())),
            Key::Identifier => set(&mut draft.e2e_id, id(value.as_bytes())),
            Key::Sum => self.sum_tiyn = Some(money(name, value)?),
            Key::Came => self.came_tiyn = money(name, value)?,
            Key::Went => self.went_tiyn = money(name, value)?,
            Key::Payer if draft.iin.is_empty() => set(&mut draft.iin, code(value.as_bytes(), 12)),
            Key::Payee if draft.payee_bin.is_empty() => {
                set(&mut draft.payee_bin, code(value.as_bytes(), 12));
            }
            Key::Payer | Key::Payee => {}
            Key::PayerAccount => value.clone_into(&mut self.payer_account),
            Key::PayeeAccount => value.clone_into(&mut self.payee_account),
            Key::Purpose => set(&mut draft.knp, code(value.as_bytes(), 3)),
            Key::Budget => set(&mut draft.kbk, code(value.as_bytes(), 6)),
            Key::Currency => set(&mut draft.currency, currency(value).as_bytes()),
            Key::Operation | Key::Credited | Key::Debited | Key::Written | Key::Value => {
                let day = date(value).ok_or_else(|| format!("{name}: no day like 22.11.2026"))?;
                let [operation, moved, written, valued] = &mut self.days;
                match key {
                    Key::Operation => set(operation, &day),
                    Key::Written => set(written, &day),
                    Key::Value => set(valued, &day),
                    _ => {
                        self.has_come |= *key == Key::Credited;
                        self.has_gone |= *key == Key::Debited;
                        set(moved, &day);
                    }
                }
            }
        }
        Ok(())
    }

    fn draft(mut self, is_debit: bool) -> Result<Draft, String> {
        if self.came_tiyn != 0 && self.went_tiyn != 0 {
            return Err("СуммаПриход and СуммаРасход in one document".to_owned());
        }
        let moved = if is_debit { self.went_tiyn } else { self.came_tiyn };
        let amount = if moved > 0 { Some(moved) } else { self.sum_tiyn };
        if moved > 0 && self.sum_tiyn.is_some_and(|sum| sum != 0 && sum != moved) {
            return Err("Сумма is another than what came or went".to_owned());
        }
        let amount = amount.ok_or("none of СуммаПриход, СуммаРасход and Сумма is given")?;
        self.draft.amount_tiyn = amount;
        self.draft.is_debit = is_debit;
        self.draft.line = self.line;
        let [operation, moved, written, valued] = &self.days;
        let posted = [operation, moved, written, valued].into_iter().find(|day| !day.is_empty());
        self.draft.posted_at.clone_from(posted.ok_or("no ДатаОперации and no ДатаДокумента")?);
        self.draft.value_date.clone_from(valued);
        Ok(self.draft)
    }
}

/// An amount, whatever parts its thousands.
fn money(name: &str, value: &str) -> Result<i64, String> {
    let is_kept = |letter: &char| !letter.is_whitespace() && *letter != '\'';
    let value: String = value.chars().filter(is_kept).collect();
    signed(value.as_bytes()).map_err(|reason| format!("{name}: {reason}"))
}

/// Numbers of ISO 4217 beside its letters.
fn currency(value: &str) -> &str {
    match value {
        "398" | "тенге" => "KZT",
        "840" => "USD",
        "978" => "EUR",
        "643" | "810" | "RUR" => "RUB",
        "156" => "CNY",
        _ => value,
    }
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value).trim()
}

/// `DD.MM.YYYY`, whatever time stands behind it.
fn date(value: &str) -> Option<[u8; 10]> {
    let [d1, d2, b'.', m1, m2, b'.', y1, y2, y3, y4] = *value.as_bytes().first_chunk::<10>()?
    else {
        return None;
    };
    let digits = [d1, d2, m1, m2, y1, y2, y3, y4];
    digits.iter().all(u8::is_ascii_digit).then_some(())?;
    let day = day(&[y1, y2, y3, y4], &[m1, m2], &[d1, d2]);
    calendar_date(&day).map(|_| day)
}
