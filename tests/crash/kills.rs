//! Kills the gateway at random moments under load, again and again, and holds it to its promises.

use crate::books::Books;
use crate::callers::{Caller, kill_under_load};
use crate::chance::Chance;
use crate::house::{Gate, House, READY_MAX};
use crate::judge::Verdict;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Kills where `QAQPA_CRASH_ROUNDS` says nothing.
const ROUNDS: usize = 10;
/// No round takes longer, replays included.
const ROUND_MAX: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_made_twice_when_the_gateway_is_killed_on_sqlite() {
    kill_again_and_again("sqlite", House::on_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_made_twice_when_the_gateway_is_killed_on_postgres() {
    kill_again_and_again("postgres", House::on_postgres().await).await;
}

async fn kill_again_and_again(store: &str, house: House) {
    let rounds = std::env::var("QAQPA_CRASH_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let (mut chance, seed) = Chance::new();
    println!("{store}: {rounds} rounds, QAQPA_CRASH_SEED={seed}");
    let mut verdict = Verdict::default();
    let mut gate = house.open().await;
    for _ in 0..rounds {
        let begun = Instant::now();
        let (round, killed_at) = kill_under_load(&house, gate, &mut chance).await;
        verdict.kills += 1;
        gate = open_again(&house, &mut chance, &mut verdict).await;
        verdict.judge_round(&house, &round, killed_at).await;
        let (before, round) = (Books::read(&house), Arc::new(round));
        let answers = Caller::new(&house, &gate).repeat(&round).await;
        verdict.judge_repeated(&house, &before, &round, &answers);
        assert!(begun.elapsed() < ROUND_MAX, "a round took {:?}", begun.elapsed());
    }
    println!("{store}: {verdict:#?}");
    assert!(verdict.answered > 10 * rounds, "too little was answered to prove anything");
    assert!(
        verdict.violations.is_empty(),
        "{store}, QAQPA_CRASH_SEED={seed}: {} promises broken; the gateway said:\n{}",
        verdict.violations.len(),
        house.log(),
    );
}

/// Starts the gateway after a kill; now and then it is killed on its way up, too.
async fn open_again(house: &House, chance: &mut Chance, verdict: &mut Verdict) -> Gate {
    while chance.below(4) == 0 {
        house.open_and_kill(Duration::from_millis(chance.below(150))).await;
        verdict.kills_at_start += 1;
    }
    let gate = house.open().await;
    verdict.slowest_start_ms = verdict.slowest_start_ms.max(gate.took.as_millis());
    if gate.took > READY_MAX {
        verdict.violations.push(format!("(e) ready after {:?}", gate.took));
    }
    gate
}
