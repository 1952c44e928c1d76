//! Who is told of a change, and what becomes of each notice: written with the change, told in order.

use super::Rules;
use super::open::after;
use crate::payments::book::Book;
use crate::payments::command::{Refusal, Reply, Telling};
use crate::payments::order::State;
use crate::payments::record::{Notice, Order};
use std::collections::BTreeSet;

/// Whether others act on this state: every end, money that has come (it releases a service), and a
/// contradiction (it takes that back).
pub(super) const fn is_told(state: State) -> bool {
    state.is_final() || matches!(state, State::Posted | State::Conflict)
}

/// When one is due that waits for another: at no time, until that was told.
const NEVER_US: i64 = i64::MAX;

/// The order that a notice is about, by the notice's id.
pub(super) fn order_of(notice: &str) -> &str {
    notice.split_once('/').map_or(notice, |(order, _)| order)
}

/// Notes who is to be told of the state that an order has come to: whose charge it is, and who asked.
pub(super) fn announce(book: &mut Book, rules: &Rules, order: &Order, cause: &str, at_us: i64) {
    if !is_told(order.state) {
        return;
    }
    let concerned: BTreeSet<&String> = [&order.agency, &order.opened_by].into();
    for recipient in concerned.into_iter().filter(|one| rules.recipients.contains(*one)) {
        let waits = book.next_notice(order.id.text(), recipient).is_some();
        book.put_notice(Notice {
            id: format!("{}/{}/{recipient}", order.id, order.version),
            order_id: order.id.clone(),
            order_version: order.version,
            recipient: recipient.clone(),
            state: order.state,
            claim: order.claim,
            cause: cause.to_owned(),
            changed_at_us: at_us,
            version: 1,
            attempts: 0,
            next_try_at_us: if waits { NEVER_US } else { at_us },
            told_at_us: None,
            dead_at_us: None,
        });
    }
}

/// Does something with a notice, where it still is as it was read.
pub(super) fn tell(
    book: &mut Book,
    rules: &Rules,
    (id, version): (&str, i64),
    telling: Telling,
    at_us: i64,
) -> Result<Reply, Refusal> {
    let mut notice = book.notice(id).ok_or(Refusal::NoNotice)?.clone();
    let is_dead = notice.dead_at_us.is_some();
    if notice.version != version || notice.told_at_us.is_some() {
        return Err(Refusal::Stale);
    }
    match telling {
        Telling::Begin { .. } | Telling::Failed if is_dead => return Err(Refusal::Stale),
        Telling::Begin { until_us } => {
            notice.attempts += 1;
            notice.next_try_at_us = until_us;
        }
        Telling::Told => {
            notice.told_at_us = Some(at_us);
            notice.dead_at_us = None;
        }
        Telling::Failed => {
            let made = usize::try_from(notice.attempts).unwrap_or(usize::MAX);
            match rules.notice_pauses.get(made.saturating_sub(1)) {
                Some(pause) => notice.next_try_at_us = after(at_us, *pause),
                None => notice.dead_at_us = Some(at_us),
            }
        }
        Telling::Revive if !is_dead => return Err(Refusal::NotDue),
        Telling::Revive => {
            notice.dead_at_us = None;
            notice.attempts = 0;
            notice.next_try_at_us = at_us;
        }
    }
    notice.version += 1;
    book.put_notice(notice.clone());
    if notice.told_at_us.is_some() {
        let_follow(book, &notice, at_us);
    }
    Ok(Reply::Notice(Box::new(notice)))
}

/// One was told: the next of the same order is due.
fn let_follow(book: &mut Book, told: &Notice, at_us: i64) {
    let next = book.next_notice(told.order_id.text(), &told.recipient).cloned();
    if let Some(mut next) = next.filter(|next| next.next_try_at_us == NEVER_US) {
        next.next_try_at_us = at_us;
        next.version += 1;
        book.put_notice(next);
    }
}
