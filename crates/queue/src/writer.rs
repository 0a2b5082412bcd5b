//! The one place where this process writes the queue: whatever has come together since the last commit goes into the next.
//!
//! A commit costs the same for one row and for a thousand, so ends and claims are not committed one by one: while one commit
//! is on its way to the disk the next ones gather. Nobody is told of anything before it is durable. Ends go first and claims
//! last, so that what a run hands on can be claimed in the very transaction that brought it.

use std::sync::Arc;
use std::time::Duration;

use model::{QueueItem, QueueItemId, StageSpec, new_uuid};
use store::{Claim, Pick, Store, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::{debug, error, info, warn};

use crate::ends::{End, Ended, Ends};
use crate::tally::Tally;
use crate::{Moment, Observer, StageError};

/// Requests that one transaction takes at most.
const BATCH: usize = 2_000;
/// How often an end that met another writer is tried again at once.
const CONFLICTS: u32 = 20;
/// Longest pause before an end that the database did not take is tried again; it starts at [`FIRST_PAUSE`] and doubles.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// First pause.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Rows wanted by a stage.
pub(crate) struct Want {
    pub spec: &'static StageSpec,
    pub limit: usize,
    pub pick: Pick,
    pub reply: oneshot::Sender<Claimed>,
}

/// What came of a wish.
pub(crate) type Claimed = Result<Vec<QueueItem>, Arc<StoreError>>;

/// What is to be written.
pub(crate) enum Request {
    End(Box<Ended>),
    Claim(Want),
}

/// Takes requests from everywhere.
pub(crate) type Mailbox = mpsc::UnboundedSender<Request>;

/// Writes what arrives in its mailbox. Several may share one.
pub(crate) struct Writer {
    pub store: Store,
    pub ends: Ends,
    pub observer: Arc<dyn Observer>,
    pub tally: Arc<Tally>,
    pub requests: Mutex<mpsc::UnboundedReceiver<Request>>,
    pub mailbox: Mailbox,
    /// Told of the stages whose ends were committed.
    pub ended: Box<dyn Fn(&str) + Send + Sync>,
}

/// Whether a transaction was committed, and the rows it claimed, wish by wish.
enum Written {
    Committed(Vec<Vec<QueueItem>>),
    /// One of the ends no longer holds its claim; nothing was committed.
    Lost,
}

impl Writer {
    /// Writes for ever.
    pub async fn run(self: Arc<Self>) {
        loop {
            let mut requests = Vec::new();
            if self
                .requests
                .lock()
                .await
                .recv_many(&mut requests, BATCH)
                .await
                == 0
            {
                return;
            }
            let (mut ends, mut wants) = (Vec::new(), Vec::new());
            for request in requests {
                match request {
                    Request::End(ended) => ends.push(*ended),
                    Request::Claim(want) => wants.push(want),
                }
            }
            self.write(ends, wants).await;
        }
    }

    async fn write(&self, ends: Vec<Ended>, wants: Vec<Want>) {
        let mut written = self.try_write(&ends, &wants, false).await;
        if !wants.is_empty() && written.as_ref().is_err_and(StoreError::is_duplicate) {
            written = self.try_write(&ends, &wants, true).await;
        }
        match written {
            Ok(Written::Committed(claimed)) => self.tell(ends, wants, claimed),
            Ok(Written::Lost) if wants.is_empty() && ends.len() == 1 => {
                ends.into_iter().for_each(lost)
            }
            Ok(Written::Lost) => self.write_each(ends, wants).await,
            Err(error) if concerns_one(&error) && ends.len() + wants.len() > 1 => {
                debug!(%error, "writing one by one");
                self.write_each(ends, wants).await;
            }
            Err(error) => self.refuse(ends, wants, error),
        }
    }

    /// Each request by itself, so that none suffers from another.
    async fn write_each(&self, ends: Vec<Ended>, wants: Vec<Want>) {
        for ended in ends {
            Box::pin(self.write(vec![ended], Vec::new())).await;
        }
        for want in wants {
            Box::pin(self.write(Vec::new(), vec![want])).await;
        }
    }

    async fn try_write(
        &self,
        ends: &[Ended],
        wants: &[Want],
        careful: bool,
    ) -> Result<Written, StoreError> {
        let mut tx = self.store.write().await?;
        let now = self.ends.clock.now();
        if !ends.is_empty() && !self.ends.write(&mut tx, ends, now).await? {
            return Ok(Written::Lost);
        }
        let mut claimed = Vec::with_capacity(wants.len());
        for want in wants {
            let claim = Claim {
                stage: want.spec.name,
                worker: &self.ends.worker,
                lease_id: &new_uuid(&*self.ends.clock, &*self.ends.random),
                lease_until: now.plus_ms(want.spec.lease_ms),
                limit: i64::try_from(want.limit).unwrap_or(i64::MAX),
                pick: want.pick,
            };
            claimed.push(if careful {
                tx.claim(&claim, now).await?
            } else {
                tx.claim_boldly(&claim, now).await?
            });
        }
        if !ends.is_empty() || claimed.iter().any(|items| !items.is_empty()) {
            let rows: Vec<&QueueItemId> = ends.iter().map(|ended| &ended.item().id).collect();
            self.observer.at(Moment::Committing, &rows);
            tx.commit().await?;
            self.observer.at(Moment::Committed, &rows);
        }
        Ok(Written::Committed(claimed))
    }

    fn tell(&self, ends: Vec<Ended>, wants: Vec<Want>, claimed: Vec<Vec<QueueItem>>) {
        for (want, items) in wants.into_iter().zip(claimed) {
            // Nobody there any more: the runner has been dropped, and the claims will run out.
            let _ = want.reply.send(Ok(items));
        }
        self.tally.add(&ends);
        let mut stages: Vec<_> = ends.iter().map(|ended| ended.spec.name).collect();
        drop(ends);
        stages.dedup();
        // The same document may have been asked for once more meanwhile.
        stages.into_iter().for_each(&self.ended);
    }

    /// The database did not take it.
    fn refuse(&self, ends: Vec<Ended>, wants: Vec<Want>, error: StoreError) {
        let error = Arc::new(error);
        for want in wants {
            let _ = want.reply.send(Err(Arc::clone(&error)));
        }
        for ended in ends {
            self.try_again(ended, &error);
        }
    }

    /// Results that the database will never take make the run a failure: else its row would hold its place for ever.
    fn try_again(&self, mut ended: Ended, error: &StoreError) {
        let (item, stage) = (ended.item().id.clone(), ended.spec.name);
        if error.is_conflict() && ended.conflicts < CONFLICTS {
            ended.conflicts += 1;
            debug!(%item, %error, "two writers met; trying again");
            return self.send(ended);
        }
        if ended.end.has_results() && (error.is_refusal() || error.is_duplicate()) {
            error!(%item, stage, %error, "the database refuses the result");
            ended.end = End::Failed(refused(error));
            return self.send(ended);
        }
        warn!(%item, stage, %error, "cannot commit a result; trying again");
        let pause = ended.pause;
        ended.pause = (pause * 2).min(LONGEST_PAUSE);
        let mailbox = self.mailbox.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let _ = mailbox.send(Request::End(Box::new(ended)));
        });
    }

    fn send(&self, ended: Ended) {
        // It cannot be closed: this writer holds the other end.
        let _ = self.mailbox.send(Request::End(Box::new(ended)));
    }
}

fn lost(ended: Ended) {
    let item = ended.item();
    info!(item = %item.id, stage = ended.spec.name, "the row or its claim is gone; its result is not written");
}

/// Whether the error may be due to one of several requests alone.
fn concerns_one(error: &StoreError) -> bool {
    error.is_conflict() || error.is_refusal() || error.is_duplicate()
}

fn refused(error: &StoreError) -> StageError {
    StageError::fail(
        "result_refused",
        format!(
            "The result could not be stored: {error}. Please report it; the file itself is untouched."
        ),
    )
}
