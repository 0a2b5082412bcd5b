//! What can be done in one transaction, one file per concern.

pub mod accounts;
pub mod changes;
pub mod documents;
pub mod files;
pub mod history;
pub mod outdated;
pub mod passages;
pub mod prune;
pub mod queue;
pub mod queue_clock;
pub mod queue_ends;
pub mod queue_minutes;
pub mod queue_rescue;
pub mod queue_selection;
pub mod queue_steer;
pub mod queue_view;
pub mod rates;
pub mod timeline;

use std::collections::BTreeSet;
use std::fmt;

use crate::dialect::{Connection, Words};
use crate::hub::Hub;
use crate::value::{Row, Value};
use crate::{Event, StoreError};

/// A transaction; rolled back when dropped without [`Tx::commit`].
pub struct Tx {
    connection: Box<dyn Connection>,
    words: &'static Words,
    hub: Hub,
    events: Vec<Event>,
    /// Documents that the search index has to look at again.
    changed: BTreeSet<String>,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl Tx {
    pub(crate) fn new(connection: Box<dyn Connection>, words: &'static Words, hub: Hub) -> Self {
        Self {
            connection,
            words,
            hub,
            events: Vec::new(),
            changed: BTreeSet::new(),
        }
    }

    /// Makes everything done in this transaction last, then tells the listeners.
    ///
    /// # Errors
    /// The database did not take it; then none of it happened, unless the connection broke during the commit itself.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.log_changes().await?;
        let committed = self.connection.commit().await;
        self.hub.mind(committed)?;
        self.hub.committed(self.events);
        Ok(())
    }

    async fn fetch(
        &mut self,
        sql: impl Into<String>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.connection.fetch(sql.into(), args).await;
        self.hub.mind(rows)
    }

    async fn fetch_optional(
        &mut self,
        sql: impl Into<String>,
        args: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, args).await?.into_iter().next())
    }

    async fn execute(
        &mut self,
        sql: impl Into<String>,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let count = self.connection.execute(sql.into(), args).await;
        self.hub.mind(count)
    }
}

/// `$first, $first+1, …` for `count` arguments of an `IN (…)`.
fn placeholders(first: usize, count: usize) -> String {
    (first..first + count)
        .map(|n| format!("${n}"))
        .collect::<Vec<_>>()
        .join(", ")
}
