//! Keeps the claims of this process alive, takes back those of dead ones, and forgets old history.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use store::{Event, Heartbeat, StoreError};
use tokio::time::{Interval, MissedTickBehavior};
use tracing::{info, warn};

use crate::{Job, Runner};

/// By how much a clock may be corrected without a look at what was written by it.
const TOLERANCE_MS: i64 = 60_000;
/// How often old history is forgotten.
const PRUNE: Duration = Duration::from_secs(3600);

impl Runner {
    /// Prolongs the claims of all runs and takes back what dead workers held. Always in this order: after a stall (a long
    /// write, a sleeping machine) this process must not take its own living work for dead. And as of the time before: however
    /// long the database lets this wait, what was claimed since is not taken for old.
    pub(crate) async fn keep_leases(self: Arc<Self>) {
        let mut beat = every(self.config.heartbeat);
        let mut rescue = every(self.config.rescue);
        // At the start nobody knows what clock wrote the rows.
        let mut last = Timestamp(i64::MAX);
        loop {
            let rescues = tokio::select! {
                _ = beat.tick() => false,
                _ = rescue.tick() => true,
                () = self.doubt.notified() => false,
            };
            let before = self.clock.now();
            let set_back = before < last;
            let kept = match self.renew().await {
                Ok(()) if set_back => self.mend_times(before).await,
                Ok(()) if rescues => self.rescue(before).await,
                renewed => renewed,
            };
            if kept.is_ok() {
                last = before.plus_ms(-TOLERANCE_MS);
            }
            if let Err(error) = kept {
                warn!(%error, "cannot look after claims; trying again");
            }
        }
    }

    /// Prolongs the claims of all runs and stops those whose claim is gone.
    async fn renew(&self) -> Result<(), StoreError> {
        let (jobs, counts) = (self.running.jobs(), self.tally.take());
        if jobs.is_empty() && counts.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        let now = self.clock.now();
        let mut held = HashSet::new();
        for (lease_ms, beats) in self.beats(&jobs) {
            held.extend(tx.heartbeat(&beats, now.plus_ms(lease_ms)).await?);
        }
        tx.count_minute(&counts, &self.config.worker, now).await?;
        tx.commit().await?;
        for job in &jobs {
            if held.contains(&job.item.id) {
                self.announce_progress(job);
            } else {
                job.cancel.cancel();
            }
        }
        Ok(())
    }

    /// The signs of life of these runs, by how long they are to hold.
    fn beats(&self, jobs: &[Arc<Job>]) -> BTreeMap<i64, Vec<Heartbeat>> {
        let mut beats: BTreeMap<i64, Vec<Heartbeat>> = BTreeMap::new();
        for job in jobs {
            let stage = self.graph.stage(&job.item.stage);
            if let (Some(lease_id), Some(stage)) = (&job.item.lease_id, stage) {
                beats
                    .entry(stage.spec().lease_ms)
                    .or_default()
                    .push(Heartbeat {
                        id: job.item.id.clone(),
                        lease_id: lease_id.clone(),
                        progress: job.progress(),
                    });
            }
        }
        beats
    }

    fn announce_progress(&self, job: &Job) {
        let Some(progress) = job.progress() else {
            return;
        };
        if job.cancel.is_cancelled() {
            return;
        }
        self.store.announce(Event::Queue {
            id: job.item.id.clone(),
            document_id: job.item.document_id.clone(),
            stage: job.item.stage.clone(),
            status: model::Status::Processing,
            progress: Some(progress),
        });
    }

    /// After the clock was set back: what is to be done would wait until it has caught up.
    async fn mend_times(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        let count = tx.mend_times(now).await?;
        tx.commit().await?;
        if count > 0 {
            info!(count, "mended times that a clock ahead of this one had set");
        }
        Ok(())
    }

    /// Takes back what dead workers held.
    async fn rescue(&self, now: Timestamp) -> Result<(), StoreError> {
        // Nothing is lost nearly always, and a look costs less than the right to write.
        if !self.store.read().await?.has_lost_claims(now).await? {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        let count = tx.rescue(now).await?;
        if count > 0 {
            tx.commit().await?;
            info!(count, "took back work whose worker is gone");
        }
        Ok(())
    }

    /// Forgets old history, now and once an hour.
    pub(crate) async fn prune(self: Arc<Self>) {
        let mut hourly = every(PRUNE);
        loop {
            hourly.tick().await;
            if let Err(error) = self.prune_once().await {
                warn!(%error, "cannot prune the queue's history; trying again later");
            }
        }
    }

    async fn prune_once(&self) -> Result<(), StoreError> {
        let kept = i64::try_from(self.config.history.as_millis()).unwrap_or(i64::MAX);
        let gone = self.store.prune(kept, self.clock.now()).await?;
        if gone > 0 {
            info!(gone, "forgot old history");
        }
        Ok(())
    }
}

/// Ticks at once and then every `period`, counted anew after a late one.
fn every(period: Duration) -> Interval {
    // Tokio refuses an interval of nothing.
    let mut interval = tokio::time::interval(period.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
