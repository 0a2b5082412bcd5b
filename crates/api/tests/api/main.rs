//! The router, called as a browser would, on a store, a library and an index of its own.
//! Cases about what the store keeps run on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod auth;
mod contract;
mod documents;
mod events;
mod files;
mod harness;
mod outage;
mod queue;
mod search;
mod uploads;
mod videos;
mod web;

/// Declares each case twice, once per database.
macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::harness::Site::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::harness::Site::postgres().await).await;
            })*
        }
    };
}
pub(crate) use conformance;
