//! `kill -9` at every step of a payment, of a bank's call and of a refund, before and after each commit:
//! nothing lost, nothing paid or given back twice.

use crate::gate::{Gate, Portal, customer, refundable};
use crate::house::{AMOUNT, FACES, House, RESOLVED_MAX};
use crate::judge::{is_quiet, judge, settle};
use crate::postgres::Cluster;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::interval;

/// What each life begins of its kind.
const DEEDS: usize = 6;

/// What a life is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// A portal opens payments, and the clerk sends them.
    Orders,
    /// Customers pay at their banks, and these post it through the door.
    Customers,
    /// A portal gives payments back.
    Refunds,
}

impl Deed {
    /// How often a point is come to in one life, as far as one can rely on it.
    const fn times_max(self) -> usize {
        match self {
            Self::Orders => 7,
            Self::Customers | Self::Refunds => 3,
        }
    }
}

/// Where an order goes, in the order of time; a refund is one. Each commit has a point before and after.
const ORDER: [&str; 15] = [
    "payments.commit.before",
    "payments.commit.after",
    "submit.opened",
    "submit.committed",
    "submit.answered",
    "submit.heard",
    "submit.lost",
    "inquiry.claimed",
    "inquiry.answered",
    "inquiry.heard",
    "notice.begun",
    "notice.acknowledged",
    "notice.told",
    "journal.commit.before",
    "journal.commit.after",
];

/// Where a bank's `pay` goes: open in the journal, posted, closed, and the charge's agency is told.
const CUSTOMER: [&str; 9] = [
    "desk.asked",
    "payments.commit.before",
    "payments.commit.after",
    "desk.answered",
    "journal.commit.before",
    "journal.commit.after",
    "notice.begun",
    "notice.acknowledged",
    "notice.told",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_or_made_twice_when_the_gateway_is_killed_at_any_step_on_sqlite() {
    kill_at_every_step("sqlite", House::with_callers(None, "rough", 21).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_or_made_twice_when_the_gateway_is_killed_at_any_step_on_postgres() {
    let house = House::with_callers(Some(Cluster::start()), "rough", 22).await;
    kill_at_every_step("postgres", house).await;
}

/// Kills `QAQPA_KILLS` times; or once at every step of an order, and of what else there is at every second
/// one, on the other store the others.
async fn kill_at_every_step(store: &str, house: House) {
    let asked: Option<usize> = std::env::var("QAQPA_KILLS").ok().map(|n| n.parse().unwrap());
    let (first, step) = match asked {
        Some(_) => (0, 1),
        None => (usize::from(store == "postgres"), 2),
    };
    let some = |points: &[&'static str]| -> Vec<&'static str> {
        points.iter().copied().skip(first).step_by(step).collect()
    };
    let steps = [
        (Deed::Orders, ORDER.to_vec()),
        (Deed::Customers, some(&CUSTOMER)),
        (Deed::Refunds, some(&ORDER)),
    ];
    let all: usize = steps.iter().map(|(_, points)| points.len()).sum();
    let kills = asked.unwrap_or(all);
    let house = Arc::new(house);
    let mut trial = Trial::new(&house);
    for (deed, points) in steps {
        let (lives, before) = (kills * points.len() / all, trial.killed);
        // What is left over must not be taken for a step of what comes next.
        trial.rest(if deed == Deed::Refunds { 0 } else { lives * DEEDS }).await;
        for number in 0..lives {
            // Each time round a later one, so that every transaction of a life is met.
            let times = 1 + (number / points.len()) % deed.times_max();
            trial.life(deed, points[number % points.len()], times).await;
        }
        println!("{store}: {} kills of {deed:?}", trial.killed - before);
    }
    trial.rest(0).await;
    let gate = Gate::start(&house, &[], None).await;
    let differ = trial.portal.repeat().await;
    let mut repeated = 0;
    for bank in &house.banks {
        repeated += bank.repeat(&house).await;
    }
    settle(&house).await;
    let verdict = judge(&house, &trial.promised);
    let Trial { promised, killed, slowest, unreached, .. } = trial;
    println!("{store}: {killed} kills, {} promised, {repeated} asked again", promised.len());
    println!("{store}: {slowest:?} to the end at most, {verdict:#?}, not reached: {unreached:?}");
    gate.end().await;
    assert!(differ.is_empty(), "{store}: {differ:#?}");
    assert!(verdict.violations.is_empty(), "{store}: {:#?}", verdict.violations);
    assert!(verdict.taken > 0 && verdict.refunds_posted > 0, "{store}: {verdict:?}");
    assert!(killed * 10 >= kills * 9, "{store}: too few kills met their point: {unreached:?}");
}

/// One gateway after the other on the same books.
struct Trial {
    house: Arc<House>,
    portal: Arc<Portal>,
    /// To be paid by the lives to come.
    charges: Vec<String>,
    /// What was begun in any life and goes on over kills; its orders, once promised.
    under_way: JoinSet<Option<String>>,
    begun: usize,
    promised: Vec<String>,
    killed: usize,
    unreached: Vec<String>,
    /// The longest that everything took to be resolved after kills.
    slowest: Duration,
}

impl Trial {
    fn new(house: &Arc<House>) -> Self {
        Self {
            house: Arc::clone(house),
            portal: Arc::new(Portal::new(house)),
            charges: Vec::new(),
            under_way: JoinSet::new(),
            begun: 0,
            promised: Vec::new(),
            killed: 0,
            unreached: Vec::new(),
            slowest: Duration::ZERO,
        }
    }

    /// A life that is left alone until everything is resolved; it takes new charges in.
    async fn rest(&mut self, charges: usize) {
        let begun = Instant::now();
        let mut gate = Gate::start(&self.house, &[], None).await;
        assert!(!self.has_killed(&mut gate).await, "killed by nobody");
        self.slowest = self.slowest.max(begun.elapsed());
        for number in self.begun..self.begun + charges {
            self.charges.push(self.portal.charge(&format!("K-{number}")).await);
        }
        gate.end().await;
    }

    /// One life of the gateway, which ends when it is killed or everything is done.
    async fn life(&mut self, deed: Deed, point: &str, times: usize) {
        let kill = format!("{point}:{times}");
        let mut gate = Gate::start(&self.house, &[], Some(&kill)).await;
        self.begin(deed);
        if self.has_killed(&mut gate).await {
            self.killed += 1;
        } else {
            self.unreached.push(format!("{deed:?} {kill}"));
            gate.end().await;
        }
    }

    /// Waits until the gateway was killed, or nothing is under way.
    async fn has_killed(&mut self, gate: &mut Gate) -> bool {
        let (begun, mut looks) = (Instant::now(), interval(Duration::from_millis(100)));
        loop {
            looks.tick().await;
            while let Some(done) = self.under_way.try_join_next() {
                self.promised.extend(done.unwrap());
            }
            if gate.was_killed() {
                return true;
            }
            if self.under_way.is_empty() && is_quiet(&self.house) {
                return false;
            }
            let open = self.under_way.len();
            assert!(begun.elapsed() < RESOLVED_MAX, "not resolved in a minute, {open} asked");
        }
    }

    fn begin(&mut self, deed: Deed) {
        let payments = if deed == Deed::Refunds { refundable(&self.house) } else { Vec::new() };
        for place in 0..DEEDS {
            self.begun += 1;
            let (house, portal) = (Arc::clone(&self.house), Arc::clone(&self.portal));
            let number = self.begun;
            if deed == Deed::Refunds {
                // Some payments twice: of two one is too much.
                let Some(payment) = payments.get(place % 4).cloned() else { return };
                let amount_tiyn = AMOUNT * 6 / 10;
                self.under_way.spawn(async move {
                    portal.refund(&payment, &format!("R-{number}"), amount_tiyn).await
                });
                continue;
            }
            let charge = self.charges.pop().expect("a charge for each");
            self.under_way.spawn(async move {
                if deed == Deed::Orders {
                    return portal.pay(&charge, FACES[number % 2].id).await;
                }
                customer(&house, &charge, number).await;
                None
            });
        }
    }
}
