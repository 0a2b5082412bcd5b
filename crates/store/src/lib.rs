//! Everything Seogo keeps in a database, on SQLite and on PostgreSQL alike.
//!
//! The entry points are [`Store`] (opens a database by its URL, hands out transactions) and [`Tx`] (what can be done in
//! one). SQL is written once, in the subset both databases understand; what differs is in `dialect.rs` alone.

mod dialect;
mod error;
mod event;
mod hub;
mod listen;
mod schema;
mod store;
mod tx;
mod value;

pub use error::{StoreError, Trouble};
pub use event::Event;
pub use store::{Store, StoreOptions};
pub use tx::Tx;
pub use tx::accounts::{ApiToken, Session, User};
pub use tx::changes::Change;
pub use tx::documents::{DocumentEdit, DocumentFilter, DocumentSort};
pub use tx::files::KnownFile;
pub use tx::outdated::OutdatedStep;
pub use tx::prune::PruneStep;
pub use tx::queue::{Claim, Enqueue, Heartbeat, Pick};
pub use tx::queue_ends::Failure;
pub use tx::queue_minutes::MinuteCount;
pub use tx::queue_selection::{QueueSelection, RerunSelection, STEER_BATCH};
pub use tx::queue_view::{PipelineState, QueueFilter, StageCounts, Waiting};
pub use tx::rates::StageRate;
pub use tx::timeline::{TimelineEntry, TimelineKind};
