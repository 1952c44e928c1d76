//! The journal keeps its promises on both stores: one suite, run on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

#[path = "journal/bench.rs"]
mod bench;
#[path = "journal/command.rs"]
mod command;
#[path = "journal/crash.rs"]
mod crash;
#[path = "journal/embedded.rs"]
mod embedded;
#[path = "journal/life.rs"]
mod life;
#[path = "journal/month.rs"]
mod month;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "journal/postgres.rs"]
mod postgres_only;
#[path = "journal/same_call.rs"]
mod same_call;
#[path = "journal/waiting.rs"]
mod waiting;

/// Runs every promise on both stores.
macro_rules! on_both_stores {
    ($($room:ident: $($promise:ident),+ $(,)?;)+) => {
        mod on_sqlite {
            $($(
                #[tokio::test]
                async fn $promise() {
                    crate::$room::$promise(&crate::bench::Bench::embedded()).await;
                }
            )+)+
        }
        mod on_postgres {
            $($(
                #[tokio::test]
                async fn $promise() {
                    crate::$room::$promise(&crate::bench::Bench::postgres().await).await;
                }
            )+)+
        }
    };
}

on_both_stores! {
    month:
        calls_of_a_time_are_counted_by_end_and_by_deadline,
        a_paper_is_owed_until_it_is_entered;
    same_call:
        a_new_call_is_fresh_and_the_same_call_finds_it_in_flight,
        an_answer_is_given_again_byte_for_byte,
        a_fault_frees_the_key,
        a_call_left_unknown_is_sent_again_only_if_it_is_idempotent,
        another_content_under_a_unique_message_id_is_a_twin,
        a_remembered_call_expires_but_one_in_flight_does_not,
        a_clock_that_jumps_ahead_has_nothing_sent_again,
        a_call_in_flight_for_an_hour_beyond_its_window_is_given_up_as_interrupted,
        of_a_hundred_same_calls_one_is_fresh_and_all_get_its_answer,
        a_wait_ends_with_the_call_or_at_its_deadline,
        an_answer_outlives_a_change_of_the_policy,
        what_no_other_call_can_be_the_same_as_leaves_no_key,
        what_has_expired_is_swept_unless_it_is_under_way,
        what_was_remembered_before_an_upgrade_is_remembered_after_it,
        answers_are_dropped_beyond_the_cap_those_of_questions_first_and_no_payment_is_forgotten;
    waiting:
        every_end_that_needs_evidence_is_listed_however_it_came,
        what_waited_before_an_upgrade_waits_after_it;
    life:
        an_entry_shows_all_its_rows,
        what_was_closed_without_waiting_is_written_when_the_journal_drains,
        what_only_passed_leaves_no_key_to_be_repeated,
        a_journal_that_is_only_dropped_still_writes_what_has_ended,
        a_crash_leaves_one_interrupted_row_and_frees_what_is_idempotent,
        an_open_that_nobody_waits_for_is_undone,
        evidence_ends_an_unknown_entry_once,
        a_refusal_is_recorded_without_a_key_or_a_body,
        bodies_are_sealed_and_erased_with_their_days_key,
        under_the_digest_policy_no_body_is_kept,
        another_master_key_is_refused_at_the_start,
        rows_of_evidence_cannot_be_changed,
        many_calls_share_a_commit,
        more_opens_than_the_queue_holds_are_refused_at_once,
        hostile_texts_hurt_nobody_else,
        a_drained_journal_opens_nothing,
        what_was_fresh_survives_a_kill;
    command:
        the_command_line_shows_an_entry_and_what_waits_while_the_gateway_runs;
}
