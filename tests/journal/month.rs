//! A month's calls are counted by what became of them, and a paper that was made is known by its key.

use crate::bench::*;
use qaqpa::journal::Reader;
use qaqpa::journal::entry::{CallKey, Closed, Opened, Opening, Resolution};
use qaqpa::journal::papers::{Month, Paper, owed};
use qaqpa_kit::fault::Outcome;

const HOUR_US: i64 = 3_600_000_000;

pub(crate) async fn calls_of_a_time_are_counted_by_end_and_by_deadline(bench: &Bench) {
    let journal = bench.start().await;
    let began_us = now_us();
    // Two given in time, one late, one refused by its agency, one given after an inquiry.
    for (number, took_us) in [(1, 10), (2, 20), (3, 900_000)] {
        let asked = open(&journal, call(number), payment(), "fresh").await;
        let closed_at_us = asked.opened_at_us + took_us;
        journal.close(Closed { closed_at_us, ..answered(&asked, b"yes") }).await.unwrap();
    }
    let refused = Opened { route_id: "almaty".to_owned(), ..call(4) };
    let refused = open(&journal, refused, payment(), "fresh").await;
    let no = Closed {
        outcome: Outcome::Refused,
        closed_at_us: refused.opened_at_us + 10,
        ..answered(&refused, b"no")
    };
    journal.close(no).await.unwrap();
    let lost = open(&journal, call(5), payment(), "fresh").await;
    let closed_at_us = lost.opened_at_us + 900_000;
    journal.close(Closed { closed_at_us, ..unknown(&lost) }).await.unwrap();
    let reader = Reader::new(&bench.settings.store).unwrap();
    let told = async || {
        let time = began_us - 1_000..began_us + HOUR_US;
        let given = reader.given(time, 500_000).await.unwrap();
        let told = given.into_iter().map(|one| {
            assert_eq!((one.agency.as_str(), one.service.as_str()), ("gbd_fl", "FLInfo"));
            assert_eq!(one.participant, "portal");
            (one.route_id, one.is_given, one.is_in_time, one.calls)
        });
        told.collect::<Vec<_>>()
    };
    let all = String::new;
    let refused = ("almaty".to_owned(), false, true, 1);
    let expected = [(all(), true, false, 1), (all(), true, true, 2), refused.clone()];
    assert_eq!(told().await, expected, "what is Unknown is not counted");
    assert_eq!(resolve(&journal, lost.id, Outcome::Done).await, Resolution::Written);
    assert_eq!(told().await, [(all(), true, false, 2), (all(), true, true, 2), refused]);
    let before = began_us - 2 * HOUR_US..began_us - HOUR_US;
    assert_eq!(reader.given(before, 500_000).await.unwrap(), []);
}

pub(crate) async fn a_paper_is_owed_until_it_is_entered(bench: &Bench) {
    let mut settings = bench.settings.clone();
    settings.papers_watched = true;
    let journal = qaqpa::journal::Journal::start(&settings, "node-1").await.unwrap();
    journal.look_after_papers().await;
    let (month, late) = owed(now_us());
    let levels =
        || [journal.stats().report_late_unix_s.read(), journal.stats().act_late_unix_s.read()];
    assert_eq!(levels().map(u64::cast_signed), late);
    let CallKey(key) = Paper::Report.key(month);
    let paper = Opened { key: CallKey(key), message_key: key, ..call(1) };
    let paper = match journal.open(paper.clone(), payment()).await.unwrap() {
        Opening::Fresh => paper,
        other => panic!("{other:?}"),
    };
    journal.close(answered(&paper, b"entered")).await.unwrap();
    journal.look_after_papers().await;
    assert_eq!(levels().map(u64::cast_signed), [0, late[1]]);
    assert_ne!(Paper::Report.key(month), Paper::Report.key(Month::parse("2020-01").unwrap()));
}
