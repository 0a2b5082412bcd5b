//! The store's conformance suite: every case runs on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod accounts;
mod changes;
mod concurrency;
mod database;
mod documents;
mod files;
mod interleavings;
mod listen;
mod operations;
mod queue;
mod queue_steer;
mod statespace;
mod statespace_model;
mod statespace_real;
mod transitions;
mod trouble;

/// Declares each case twice, once per database.
macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::database::Database::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::database::Database::postgres().await).await;
            })*
        }
    };
}
pub(crate) use conformance;
