//! What earlier days left open, from the store, in the form that a run takes up.

use super::Failed;
use super::export::Sealed;
use crate::config::settings::Bank;
use crate::payments::Payments;
use crate::payments::calendar::OperatingDay;
use crate::reconcile::ingest::row;
use std::path::Path;

/// Breaks asked for at once.
const PAGE: u32 = 500;

/// Writes the rows that were open when the day began; false where there are none. The same at every run
/// of the day: what ended on it or later was open then.
///
/// # Errors
/// The store or the disk.
pub(super) async fn carry(
    payments: &Payments,
    bank: &Bank,
    day: OperatingDay,
    to: &Path,
) -> Result<bool, Failed> {
    let mut sealed = Sealed::new(to)?;
    let mut after = String::new();
    let mut is_empty = true;
    loop {
        let breaks = payments.breaks_carried((&bank.id, day), &after, PAGE).await?;
        let Some(last) = breaks.last() else { break };
        last.id.clone_into(&mut after);
        for item in &breaks {
            let line = item.journal_row.as_ref().or(item.register_row.as_ref());
            let Some(line) = line else { continue };
            let Ok(row) = row::row(line.as_bytes()) else { continue };
            let (side, since, amount_tiyn) = (&item.side, item.since_day, row.amount_tiyn);
            sealed.row(format!("{side};{since};{line}").as_bytes(), amount_tiyn)?;
            is_empty = false;
        }
    }
    if is_empty {
        return Ok(false);
    }
    let before = OperatingDay(day.0 - 1);
    sealed.finish(&format!("#open;v=1;bank={};opdate={before}", bank.bic))?;
    Ok(true)
}
