//! Finds words in the archive: the sentence on its page, the second in its recording.
//!
//! Entry points: [`SearchIndex`] (opens the index, takes changes, answers a [`Query`]), [`Indexer`] (keeps an index up to
//! date with the database's change log) and [`passages`] (splits a text into what is found and shown).
//!
//! The index is derived data: it can be deleted at any time and is rebuilt from the database.

mod error;
mod fold;
mod index;
mod indexer;
mod needle;
mod passages;
mod plan;
mod query;
mod schema;
mod search;
mod snippet;
mod steady;
mod tokenizer;

pub use error::SearchError;
pub use index::{IndexChange, IndexEntry, SearchIndex};
pub use indexer::Indexer;
pub use passages::passages;
pub use query::{Hit, Hits, MAX_HITS, MAX_OFFSET, MAX_QUERY_CHARS, Mode, Query};
