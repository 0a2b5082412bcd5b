//! Runs stages over documents so that nothing is lost, done twice at once, or retried for ever.
//!
//! This crate knows what a stage *is* ([`Stage`]) and no stage by name. [`Graph`] holds them; [`Runner`] claims rows, keeps
//! their leases alive, runs the stage outside any transaction, and commits results, completion and next stages together.

mod backfill;
mod backoff;
mod ends;
mod feed;
mod graph;
mod lanes;
mod leases;
mod observer;
mod requeue;
mod runner;
mod running;
mod stage;
mod tally;
mod worker;
mod writer;

pub use backfill::Backfill;
pub use graph::{Graph, GraphError};
pub use lanes::LaneLimits;
pub use observer::{Moment, Nobody, Observer};
pub use requeue::Requeue;
pub use runner::{Runner, RunnerConfig};
pub use stage::{Job, Outcome, Stage, StageError};
