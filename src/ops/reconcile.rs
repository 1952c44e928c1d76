//! The figures of reconciliation by bank: what the last run matched, what is open, for how long, how much.

use super::metrics::Metrics;
use crate::config::settings::Bank;
use crate::payments::breaks::record::{BreakCount, Run, RunState};
use crate::payments::calendar::OperatingDay;
use prometheus::{IntGaugeVec, Opts};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Operating days counted at most; an older break is as old.
const AGE_DAYS_MAX: usize = 1_000;

/// What is told now and then.
pub struct ReconcileFigures {
    banks: BTreeMap<String, Arc<Bank>>,
    matched: IntGaugeVec,
    last: IntGaugeVec,
    waiting: IntGaugeVec,
    breaks: IntGaugeVec,
    money: IntGaugeVec,
    oldest: IntGaugeVec,
}

impl ReconcileFigures {
    /// Registers `qaqpa_reconcile_*`.
    ///
    /// # Errors
    /// A name is taken: a bug, found at the first start.
    pub fn new(
        metrics: &Metrics,
        banks: &BTreeMap<String, Arc<Bank>>,
    ) -> Result<Self, prometheus::Error> {
        let made = |name: &str, help: &str, labels: &[&str]| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
            metrics.collect(gauges.clone())?;
            Ok::<_, prometheus::Error>(gauges)
        };
        Ok(Self {
            banks: banks.clone(),
            matched: made(
                "qaqpa_reconcile_matched_rows",
                "Pairs that agree, of the last run that was done.",
                &["bank"],
            )?,
            last: made(
                "qaqpa_reconcile_last_run_timestamp_seconds",
                "Unix time of the last run that ended so; 0 without one.",
                &["bank", "state"],
            )?,
            waiting: made(
                "qaqpa_reconcile_waiting_runs",
                "Runs that wait or are under way.",
                &["bank"],
            )?,
            breaks: made(
                "qaqpa_reconcile_open_breaks",
                "Breaks that have not ended, by category.",
                &["bank", "category"],
            )?,
            money: made(
                "qaqpa_reconcile_open_breaks_tiyn",
                "Money in question in breaks that have not ended.",
                &["bank"],
            )?,
            oldest: made(
                "qaqpa_reconcile_oldest_break_days",
                "Age of the oldest break that has not ended, in the bank's operating days; 0 without one.",
                &["bank"],
            )?,
        })
    }

    /// Tells what is so now (Unix microseconds): open breaks, runs that are open, and the last ones.
    pub fn tell(&self, counts: &[BreakCount], open: &[Run], last: &[Run], now_us: i64) {
        self.breaks.reset();
        for count in counts {
            let labels = [count.bank.as_str(), count.category.as_str()];
            self.breaks.with_label_values(&labels).set(count.breaks);
        }
        for (id, bank) in &self.banks {
            let labels = [id.as_str()];
            let own = || counts.iter().filter(|count| count.bank == *id);
            let money = own().map(|count| count.amount_tiyn).sum();
            self.money.with_label_values(&labels).set(money);
            let oldest = own().map(|count| count.oldest_day).min();
            let today = bank.operating_day(now_us);
            let age = oldest.map_or(0, |day| age_days(bank, day, today));
            self.oldest.with_label_values(&labels).set(age);
            let waiting = open.iter().filter(|run| run.bank == *id).count();
            let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
            self.waiting.with_label_values(&labels).set(waiting);
            for state in [RunState::Done, RunState::Refused] {
                let ended = last.iter().find(|run| run.bank == *id && run.state == state);
                let at_s = ended.map_or(0, |run| run.changed_at_us / 1_000_000);
                self.last.with_label_values(&[id, state.word()]).set(at_s);
                if let (RunState::Done, Some(run)) = (state, ended) {
                    self.matched.with_label_values(&labels).set(run.matched);
                }
            }
        }
    }
}

fn age_days(bank: &Bank, since: OperatingDay, today: OperatingDay) -> i64 {
    let days = std::iter::successors(Some(since), |day| Some(bank.day_after(*day)));
    let count = days.skip(1).take_while(|day| *day <= today).take(AGE_DAYS_MAX).count();
    i64::try_from(count).unwrap_or(i64::MAX)
}
