//! Payments keep their promises on both stores: one suite, run on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "payments/breaks.rs"]
mod breaks;
#[path = "payments/crash.rs"]
mod crash;
#[path = "payments/house.rs"]
mod house;
#[path = "payments/money.rs"]
mod money;
#[path = "payments/notices.rs"]
mod notices;
#[path = "payments/orders.rs"]
mod orders;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "payments/races.rs"]
mod races;
#[path = "payments/tables.rs"]
mod tables;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_what_names_a_row_is_compared_as_that_rows_key() {
    tables::what_names_a_row_is_compared_as_that_rows_key(&house::House::postgres().await).await;
}

/// Runs every promise on both stores.
macro_rules! on_both_stores {
    ($($room:ident: $($promise:ident),+ $(,)?;)+) => {
        mod on_sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$room::$promise(&crate::house::House::embedded()).await;
                }
            )+)+
        }
        mod on_postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$room::$promise(&crate::house::House::postgres().await).await;
                }
            )+)+
        }
    };
}

on_both_stores! {
    orders:
        an_order_is_there_after_a_restart_and_before_anything_is_sent,
        the_same_request_gets_the_same_bytes_and_another_body_is_told_so,
        a_refusal_is_not_kept_for_its_key,
        open_charges_are_those_that_nobody_pays,
        what_was_being_sent_when_a_life_ended_is_unknown,
        unknown_is_left_by_evidence_and_sent_again_only_after_silence,
        what_a_bank_says_of_an_order_that_is_not_its_own_is_kept_and_changes_nothing,
        what_was_said_before_its_order_was_known_counts_without_being_said_again,
        a_contradiction_freezes_until_an_operator_rules_with_a_reason,
        hostile_texts_hurt_nobody_else;
    money:
        money_is_where_the_order_says_at_every_step,
        late_and_double_money_lies_in_suspense,
        a_document_or_a_transaction_names_one_payment,
        a_closed_day_takes_no_posting_and_keeps_what_it_held,
        refunds_never_exceed_what_was_paid,
        a_refund_that_was_refused_and_then_paid_is_taken_by_the_database_too,
        a_return_is_posted_by_the_word_that_tells_of_it_and_takes_its_share,
        only_confirmed_money_of_the_right_terms_is_a_proof,
        what_was_used_goes_back_once_its_use_came_to_nothing,
        money_that_was_led_to_a_charge_and_never_was_can_be_ruled_away,
        a_refund_whose_number_is_taken_is_heard_and_contested;
    races:
        of_a_hundred_equal_payments_at_once_one_is_made,
        of_a_hundred_orders_for_one_charge_one_is_opened,
        refunds_at_once_never_exceed_the_payment,
        money_in_suspense_is_led_to_one_charge_or_given_back,
        a_cancellation_and_an_attempt_never_both_succeed,
        a_closing_counts_every_posting_in_its_day_and_no_other,
        of_a_hundred_calls_with_one_proof_one_is_let_through,
        a_payment_is_used_or_given_back_and_never_both,
        one_event_heard_by_many_at_once_counts_once,
        a_word_and_the_payment_that_it_speaks_of_never_pass_each_other;
    notices:
        who_is_concerned_is_told_of_every_end_and_of_money_that_came,
        the_notices_of_one_payment_are_told_one_after_the_other,
        a_notice_that_waits_for_another_is_due_at_no_time,
        a_notice_that_comes_while_the_one_before_is_told_is_due,
        a_notice_that_nobody_takes_becomes_a_dead_letter_that_can_be_sent_again,
        of_two_nodes_one_tells_and_one_asks_the_bank,
        a_new_order_is_looked_after_at_once_and_an_old_one_until_it_has_ended;
    breaks:
        the_same_file_again_is_no_second_file_and_a_run_has_one_node,
        later_evidence_ends_a_break_and_newer_evidence_opens_it_again,
        two_operators_end_a_break_and_one_alone_is_refused;
    tables:
        the_database_itself_refuses_what_the_rules_forbid;
    crash:
        what_was_promised_survives_a_kill_and_nothing_is_there_twice;
}
