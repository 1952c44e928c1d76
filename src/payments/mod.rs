//! Charges, orders, ledger and operating days: money moves once or not at all, and evidence decides.

pub mod calendar;
pub mod ledger;
pub mod order;
