//! Kills the gateway or its database at random moments under load, and holds both to the promises.

use crate::books::{Books, Entry};
use crate::callers::{Asked, CALLERS, Caller, Load};
use crate::chance::Chance;
use crate::house::{Gate, House, READY_MAX, is_ready, until};
use crate::judge::{READ_CLOSE_MAX, Verdict};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Judging a round takes no longer, repetitions included.
const ROUND_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_made_twice_when_the_gateway_is_killed_on_sqlite() {
    kill_again_and_again("sqlite", House::on_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_made_twice_when_the_gateway_is_killed_on_postgres() {
    kill_again_and_again("postgres", House::on_postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_made_twice_when_the_database_fails_under_load() {
    let house = House::on_postgres().await;
    let (cluster, _) = house.database.as_ref().unwrap();
    let mut trial = Trial::start("failing postgres", &house).await;
    for _ in 0..rounds(3) {
        let mut load = trial.load();
        trial.run(&mut load).await;
        let begun = Instant::now();
        let frozen = (trial.chance.below(2) == 0).then(|| cluster.freeze());
        if frozen.is_none() {
            cluster.stop_immediately();
        }
        load.run_for(Duration::from_millis(500 + trial.chance.below(1_000))).await;
        let is_killed = trial.chance.below(2) == 0;
        if is_killed {
            trial.kill();
        }
        match frozen {
            Some(frozen) => drop(frozen),
            None => cluster.start_again(),
        }
        if is_killed {
            trial.open_again().await;
        } else {
            until("the journal works again", async || is_ready(trial.gate().ops)).await;
            trial.run(&mut load).await;
        }
        let round = load.end().await;
        until("all that ended is written", async || !Books::read(&house).all().any(Entry::is_open))
            .await;
        trial.judge(round, begun).await;
    }
    trial.end();
}

async fn kill_again_and_again(store: &'static str, house: House) {
    let mut trial = Trial::start(store, &house).await;
    for _ in 0..rounds(10) {
        let mut load = trial.load();
        trial.run(&mut load).await;
        let killed_at = Instant::now();
        trial.kill();
        trial.open_again().await;
        trial.judge(load.end().await, killed_at).await;
    }
    trial.end();
}

/// `QAQPA_CRASH_ROUNDS`, or fewer where nobody asks for it.
fn rounds(fewer: usize) -> usize {
    let asked = std::env::var("QAQPA_CRASH_ROUNDS").ok();
    asked.map_or(fewer, |rounds| rounds.parse().expect("a number of rounds"))
}

/// One gateway after the other on the same state, and what is found out about them.
struct Trial<'a> {
    store: &'static str,
    house: &'a House,
    gate: Option<Gate>,
    chance: Chance,
    seed: u64,
    rounds: usize,
    verdict: Verdict,
}

impl<'a> Trial<'a> {
    async fn start(store: &'static str, house: &'a House) -> Self {
        let (chance, seed) = Chance::new();
        println!("{store}: QAQPA_CRASH_SEED={seed}");
        let gate = Some(house.open().await);
        Self { store, house, gate, chance, seed, rounds: 0, verdict: Verdict::default() }
    }

    fn gate(&self) -> &Gate {
        self.gate.as_ref().expect("a gateway that runs")
    }

    fn load(&mut self) -> Load {
        let caller = Caller::new(self.house, self.gate());
        Load::start(&caller, &mut self.chance)
    }

    /// Lets the callers come to a random moment.
    async fn run(&mut self, load: &mut Load) {
        let steps = CALLERS as u64 + self.chance.below(120);
        load.run(steps, &mut self.chance).await;
    }

    fn kill(&mut self) {
        self.gate.take().expect("a gateway that runs").process.kill();
        self.verdict.kills += 1;
    }

    /// Starts the gateway after a kill; now and then it is killed on its way up, too.
    async fn open_again(&mut self) {
        while self.chance.below(4) == 0 {
            let after = Duration::from_millis(self.chance.below(60));
            self.house.open_and_kill(after).await;
            self.verdict.kills_at_start += 1;
        }
        let gate = self.house.open().await;
        self.verdict.slowest_start_ms = self.verdict.slowest_start_ms.max(gate.took.as_millis());
        if gate.took > READY_MAX {
            self.verdict.violations.insert(format!("(e) ready after {:?}", gate.took));
        }
        self.gate = Some(gate);
    }

    /// Judges what was asked; then every call is made again, and judged again.
    async fn judge(&mut self, mut round: Vec<Asked>, trouble_at: Instant) {
        let (begun, house) = (Instant::now(), self.house);
        self.rounds += 1;
        let cut_after = trouble_at.checked_sub(READ_CLOSE_MAX).unwrap();
        self.verdict.judge_round(house, &round, cut_after).await;
        // A call that was refused never was: to repeat a few of them is enough.
        let mut refused = 0;
        round.retain(|asked| {
            refused += usize::from(asked.is_refused());
            !asked.is_refused() || refused <= CALLERS
        });
        let (before, round) = (Books::read(house), Arc::new(round));
        let answers = Caller::new(house, self.gate()).repeat(&round).await;
        self.verdict.judge_repeated(house, &before, &round, &answers);
        assert!(begun.elapsed() < ROUND_MAX, "judging took {:?}", begun.elapsed());
    }

    fn end(self) {
        let Self { store, seed, verdict, .. } = self;
        println!("{store}, {} rounds: {verdict:#?}", self.rounds);
        assert!(verdict.answered > 5 * self.rounds, "too little was answered to prove anything");
        let is_in_time = verdict.kills < 10 || verdict.open_at_kill > 0;
        assert!(is_in_time, "no kill met an open call: nothing was proved");
        let count = verdict.violations.len();
        let log = self.house.log();
        assert!(count == 0, "{store}, QAQPA_CRASH_SEED={seed}: {count} promises broken\n{log}");
    }
}
