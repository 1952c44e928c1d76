//! MT102, a batch of customers' payments, and MT100 and MT103 of one; in the form of the country's clearing.
//!
//! Parties stand as `/NAME/`, `/IDN/` in `:50:` and `:59:`, codes as `/KNP/`, `/BCLASS/` in `:70:`. The
//! sum comes last (`:32A:`, `:19:`), so the payments of a batch wait for it.

use super::Sink;
use super::amount::tiyn;
use super::draft::{Draft, code, id, set, tagged};
use super::mt::{Field, Fields, Part, date};
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use std::io::Read;

/// Payments of one batch at most; the clearing takes fifty.
const ITEMS_MAX: usize = 100_000;

/// Reads all messages of a file.
pub(super) fn read(from: &mut dyn Read, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
    let mut fields = Fields::new(from);
    let mut batch = Batch::default();
    let mut batches = 0;
    loop {
        sink.at(fields.line());
        let part = fields.next()?;
        let is_next = matches!(&part, Some(Part::Field(field)) if field.tag == *b"20 ");
        if (is_next || !matches!(part, Some(Part::Field(_)))) && batch.is_begun {
            std::mem::take(&mut batch).end(sink)?;
            batches += 1;
        }
        match part {
            Some(Part::Field(field)) => {
                sink.at(field.line);
                batch.field(&field).map_err(|reason| sink.wrong(field.line, reason))?;
            }
            Some(Part::End) => {}
            None => break,
        }
    }
    if batches == 0 {
        return Err(Stop::Whole(Reason::new("no message in it")));
    }
    sink.found.statements = batches;
    Ok(())
}

#[derive(Default)]
struct Batch {
    is_begun: bool,
    line: u64,
    /// What stands before the first payment and holds for all.
    head: Draft,
    items: Vec<Draft>,
    /// `:32A:`, and `:19:`.
    sum_tiyn: Option<i64>,
    total_tiyn: Option<i64>,
    /// Charges were taken off the sum.
    has_charges: bool,
}

impl Batch {
    fn field(&mut self, field: &Field) -> Result<(), String> {
        if !self.is_begun {
            self.is_begun = true;
            self.line = field.line;
        }
        let text = field.text.as_slice();
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let money = |text: &[u8]| {
            tiyn(text).map_err(|reason| {
                let tag = String::from_utf8_lossy(&field.tag).trim_end().to_owned();
                format!(":{tag}: {reason}")
            })
        };
        if field.tag == *b"21 " {
            if self.items.len() == ITEMS_MAX {
                return Err("more than 100 000 payments in one message".to_owned());
            }
            let mut item = Draft { line: field.line, ..Draft::default() };
            set(&mut item.e2e_id, id(first));
            self.items.push(item);
            return Ok(());
        }
        let place = self.items.last_mut().unwrap_or(&mut self.head);
        match &field.tag {
            b"20 " => {
                set(&mut self.head.e2e_id, id(first));
                self.head.line = field.line;
            }
            b"32B" => {
                let (currency, amount) = currency(first)?;
                if !place.currency.is_empty() {
                    return Err(":32B: stands twice in one payment".to_owned());
                }
                set(&mut place.currency, currency);
                place.amount_tiyn = money(amount)?;
            }
            b"32A" if self.sum_tiyn.is_some() => {
                return Err(":32A: stands twice in one message".to_owned());
            }
            b"32A" => {
                let (day, rest) = date(first).ok_or(":32A: no value date like 261122")?;
                let (currency, amount) = currency(rest)?;
                set(&mut self.head.value_date, &day);
                set(&mut self.head.posted_at, &day);
                set(&mut self.head.currency, currency);
                self.sum_tiyn = Some(money(amount)?);
            }
            b"19 " => self.total_tiyn = Some(money(first)?),
            [b'5', b'0', _] => set(&mut place.iin, code(line_tagged(text, b"/IDN/"), 12)),
            [b'5', b'9', _] => set(&mut place.payee_bin, code(line_tagged(text, b"/IDN/"), 12)),
            b"70 " => {
                set(&mut place.receipt, id(line_tagged(text, b"/NUM/")));
                set(&mut place.knp, code(line_tagged(text, b"/KNP/"), 3));
                set(&mut place.kbk, code(line_tagged(text, b"/BCLASS/"), 6));
            }
            [b'7', b'1', b'F' | b'G'] => self.has_charges = true,
            _ => {}
        }
        Ok(())
    }

    fn end(mut self, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let Some(sum_tiyn) = self.sum_tiyn else {
            let reason = "no :32A: with the sum: cut off, or no batch";
            return Err(sink.wrong(self.line, reason));
        };
        if self.items.is_empty() {
            self.head.amount_tiyn = sum_tiyn;
            return sink.push(&self.head);
        }
        let counted: i128 = self.items.iter().map(|item| i128::from(item.amount_tiyn)).sum();
        let broken = |name: &str, sum: i64| {
            (i128::from(sum) != counted).then(|| {
                format!("{name} says {sum} tiyn, the :32B: of its payments make {counted}")
            })
        };
        let total = self.total_tiyn.and_then(|sum| broken(":19:", sum));
        let sum = || broken(":32A:", sum_tiyn).filter(|_| !self.has_charges);
        if let Some(reason) = total.or_else(sum) {
            sink.broken(self.line, reason);
        }
        for mut item in std::mem::take(&mut self.items) {
            if item.currency.is_empty() {
                return Err(sink.wrong(item.line, "a payment without :32B:"));
            }
            if item.currency != self.head.currency {
                return Err(sink.wrong(item.line, "a payment in another currency than :32A:"));
            }
            let places = [
                (&mut item.iin, &self.head.iin),
                (&mut item.payee_bin, &self.head.payee_bin),
                (&mut item.knp, &self.head.knp),
                (&mut item.kbk, &self.head.kbk),
            ];
            for (place, common) in places {
                if place.is_empty() {
                    place.clone_from(common);
                }
            }
            item.posted_at.clone_from(&self.head.posted_at);
            item.value_date.clone_from(&self.head.value_date);
            sink.push(&item)?;
        }
        Ok(())
    }
}

fn currency(text: &[u8]) -> Result<(&[u8; 3], &[u8]), String> {
    let found = text.split_first_chunk::<3>();
    found.ok_or_else(|| "no currency and amount like KZT19875,00".to_owned())
}

/// What a line says that begins with a tag; words of a payer in another line are none.
fn line_tagged<'a>(text: &'a [u8], tag: &[u8]) -> &'a [u8] {
    let lines = text.split(|byte| *byte == b'\n');
    let found = lines.into_iter().find(|line| line.starts_with(tag));
    found.map_or(&[], |line| tagged(line, tag))
}
