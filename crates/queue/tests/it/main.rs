//! The runner on real databases: every case runs on SQLite and on PostgreSQL, with stages that do what the case tells them.
//!
//! Time in the queue is a clock that only the case moves; nothing here waits for a length of time, only for things to happen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a case that cannot go on has failed"
)]

mod backfill;
mod bed;
mod clock;
mod control;
mod docs;
mod ends;
mod faults;
mod faults_clock;
mod faults_database;
mod faults_fairness;
mod faults_killed;
mod faults_worker;
mod flow;
mod leases;
mod outage;
mod stepping;
mod stopping;
mod turns;

/// Declares each case twice, once per database.
macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::bed::Bed::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::bed::Bed::postgres().await).await;
            })*
        }
    };
}
pub(crate) use conformance;
