//! Documents done again: by a new version of their stage, or because a person says so.

use std::sync::Arc;

use async_trait::async_trait;
use model::{
    Category, Clock, Document, Priority, QueueItem, StageSpec, Status, SystemRandom, Timestamp,
};
use queue::{Backfill, Graph, Job, Outcome, Requeue, Stage, StageError};
use store::{Claim, QueueFilter, RerunSelection, Store};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, document, eager};
use crate::conformance;
use crate::control::{LIMIT, controlled, spec, within};

conformance!(
    a_new_version_trickles,
    two_processes_share_the_trickle,
    a_restart_goes_on,
    only_what_the_stage_wants_is_done_again,
    what_is_switched_off_asks_for_nothing,
    a_stage_is_asked_for_again_once_for_every_document,
);

/// A stage whose version was raised.
const BETTER: StageSpec = StageSpec {
    version: 2,
    ..spec("read", &[])
};
static BETTER_ALONE: &[StageSpec] = &[BETTER];
static TWO_BETTER: &[StageSpec] = &[
    BETTER,
    StageSpec {
        version: 2,
        ..spec("hear", &[])
    },
];

/// So many rows of a backfill are pending at most.
const FEW: i64 = 3;

/// A backfill at work, ended when dropped.
struct Filling {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Filling {
    async fn end(self) {
        self.stop.cancel();
        within("the backfill ends", self.task).await.unwrap();
    }
}

fn requeue(bed: &Bed, store: Store) -> Requeue {
    Requeue {
        store,
        clock: Arc::clone(&bed.clock) as Arc<dyn Clock>,
        random: Arc::new(SystemRandom),
    }
}

fn fill_on(bed: &Bed, store: Store, graph: &Graph, stages: &[&str], pending: i64) -> Filling {
    let backfill = Backfill {
        requeue: requeue(bed, store),
        graph: graph.clone(),
        stages: stages.iter().map(ToString::to_string).collect(),
        pending,
        look: eager("").poll,
    };
    let stop = CancellationToken::new();
    Filling {
        task: tokio::spawn(backfill.run(stop.clone())),
        stop,
    }
}

fn fill(bed: &Bed, graph: &Graph) -> Filling {
    fill_on(bed, Store::clone(&bed.store), graph, &[], FEW)
}

/// A document that has passed the stage in its first version.
async fn done(bed: &Bed, document: Document, stage: &str) -> Document {
    let mut tx = bed.write().await.unwrap();
    tx.insert_document(&document, None).await.unwrap();
    tx.commit().await.unwrap();
    bed.enqueue(&document, stage, Priority::Bulk).await;
    let now = bed.clock.now();
    let claim = Claim {
        stage,
        worker: "w",
        lease_id: "l",
        lease_until: now.plus_ms(1000),
        limit: 1,
        pick: store::Pick::Any,
    };
    let mut tx = bed.write().await.unwrap();
    let item = tx.claim(&claim, now).await.unwrap().pop().unwrap();
    assert!(tx.complete(&item, 1, now).await.unwrap());
    tx.commit().await.unwrap();
    document
}

async fn many_done(bed: &Bed, count: usize) {
    for n in 0..count {
        done(bed, document(&format!("old {n}")), "read").await;
    }
}

async fn rows_of(bed: &Bed, stage: &str, status: Status) -> Vec<QueueItem> {
    let filter = QueueFilter {
        stage: Some(stage.to_owned()),
        status: Some(status),
        limit: 10_000,
        ..QueueFilter::default()
    };
    let mut tx = bed.read().await.unwrap();
    tx.queue_items(&filter).await.unwrap()
}

async fn pending(bed: &Bed, stage: &str) -> i64 {
    i64::try_from(rows_of(bed, stage, Status::Pending).await.len()).unwrap()
}

/// Until so many rows of the stage are pending.
async fn until_pending(bed: &Bed, stage: &str, count: i64) {
    let look = async {
        while pending(bed, stage).await != count {
            tokio::task::yield_now().await;
        }
    };
    within("rows are pending", look).await;
}

async fn outdated(bed: &Bed) -> i64 {
    let mut tx = bed.read().await.unwrap();
    tx.outdated_counts(&[("read", 2)]).await.unwrap()["read"]
}

async fn a_new_version_trickles(bed: Bed) {
    many_done(&bed, 10).await;
    assert_eq!(outdated(&bed).await, 10);
    let (graph, mut calls) = controlled(BETTER_ALONE);
    let filling = fill(&bed, &graph);
    until_pending(&bed, "read", FEW).await;
    let working = bed.start(&graph, eager("w"));
    for _ in 0..10 {
        let call = calls.next_of("read").await;
        assert_eq!(call.item.priority, Priority::Backfill);
        assert!(pending(&bed, "read").await <= FEW);
        call.succeed();
    }
    let all = async {
        while outdated(&bed).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    within("everything is done again", all).await;
    working.end().await;
    filling.end().await;
    assert!(calls.none());
    let newer = rows_of(&bed, "read", Status::Completed).await;
    assert_eq!(
        newer.iter().filter(|row| row.stage_version == 2).count(),
        10
    );
    bed.assert_settled().await;
}

async fn two_processes_share_the_trickle(bed: Bed) {
    many_done(&bed, 10).await;
    let (graph, mut calls) = controlled(BETTER_ALONE);
    let other = bed.open_again().await;
    let fillings = [
        fill(&bed, &graph),
        fill_on(&bed, other.clone(), &graph, &[], FEW),
    ];
    let working = bed.start(&graph, eager("w"));
    for _ in 0..10 {
        let call = calls.next_of("read").await;
        assert!(pending(&bed, "read").await <= FEW);
        call.succeed();
    }
    working.end().await;
    for filling in fillings {
        filling.end().await;
    }
    other.close().await;
    assert!(calls.none(), "none is done twice");
    bed.assert_settled().await;
}

async fn a_restart_goes_on(bed: Bed) {
    many_done(&bed, 5).await;
    let (graph, mut calls) = controlled(BETTER_ALONE);
    let filling = fill(&bed, &graph);
    until_pending(&bed, "read", FEW).await;
    filling.end().await;
    let working = bed.start(&graph, eager("w"));
    for _ in 0..FEW {
        calls.next_of("read").await.succeed();
    }
    let filling = fill(&bed, &graph);
    for _ in FEW..5 {
        calls.next_of("read").await.succeed();
    }
    working.end().await;
    filling.end().await;
    assert!(calls.none());
    bed.assert_settled().await;
}

/// Wants recordings alone; is never run.
struct Picky;

#[async_trait]
impl Stage for Picky {
    fn spec(&self) -> &'static StageSpec {
        &BETTER_ALONE[0]
    }

    fn wants(&self, document: &Document) -> bool {
        document.category == Category::Audio
    }

    async fn run(&self, _: &Job) -> Result<Outcome, StageError> {
        Ok(Outcome::default())
    }
}

async fn only_what_the_stage_wants_is_done_again(bed: Bed) {
    let audio = |title: &str| Document {
        category: Category::Audio,
        ..document(title)
    };
    let away = |at: Option<Timestamp>, title: &str| Document {
        missing_since: at,
        ..audio(title)
    };
    let thrown = Document {
        trashed_at: Some(bed.clock.now()),
        ..audio("thrown away")
    };
    done(&bed, document("a page"), "read").await;
    done(&bed, away(Some(bed.clock.now()), "missing"), "read").await;
    done(&bed, thrown, "read").await;
    let wanted = done(&bed, audio("a song"), "read").await;
    let graph = Graph::new(vec![Arc::new(Picky)]).unwrap();
    let filling = fill(&bed, &graph);
    until_pending(&bed, "read", 1).await;
    filling.end().await;
    let rows = rows_of(&bed, "read", Status::Pending).await;
    assert_eq!(rows[0].document_id, wanted.id);

    // A person's wish is no other: the stage decides what it is for.
    let requeue = requeue(&bed, Store::clone(&bed.store));
    let all = RerunSelection::default();
    let added = requeue.rerun(&Picky, &all, Priority::Backfill, |_, _| {});
    assert_eq!(added.await.unwrap(), 0, "it is pending already");
    assert_eq!(pending(&bed, "read").await, 1);
}

async fn what_is_switched_off_asks_for_nothing(bed: Bed) {
    done(&bed, document("read"), "read").await;
    done(&bed, document("heard"), "hear").await;
    let (graph, _calls) = controlled(TWO_BETTER);
    let store = || Store::clone(&bed.store);
    let off = fill_on(&bed, store(), &graph, &[], 0);
    let on = fill_on(&bed, store(), &graph, &["hear"], FEW);
    until_pending(&bed, "hear", 1).await;
    off.end().await;
    on.end().await;
    assert_eq!(pending(&bed, "read").await, 0);
}

async fn a_stage_is_asked_for_again_once_for_every_document(bed: Bed) {
    const MANY: usize = 1201;
    let documents: Vec<_> = (0..MANY).map(|n| document(&n.to_string())).collect();
    let mut tx = bed.write().await.unwrap();
    for document in &documents {
        tx.insert_document(document, None).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (graph, _calls) = controlled(BETTER_ALONE);
    let stage = graph.stage("read").unwrap();
    let requeue = requeue(&bed, Store::clone(&bed.store));
    let all = RerunSelection::default();
    for expected in [MANY, 0] {
        let mut told = Vec::new();
        let added = requeue.rerun(&**stage, &all, Priority::Backfill, |done, of| {
            told.push((done, of));
        });
        let added = within("all are asked for", added).await.unwrap();
        assert_eq!(usize::try_from(added).unwrap(), expected);
        assert_eq!(told, [(500, MANY), (1000, MANY), (MANY, MANY)]);
    }
    assert_eq!(rows_of(&bed, "read", Status::Pending).await.len(), MANY);
    // A person who waits for one of them goes first.
    let one = RerunSelection {
        document_id: Some(documents[7].id.clone()),
        ..RerunSelection::default()
    };
    let added = requeue.rerun(&**stage, &one, Priority::Person, |_, _| {});
    let added = tokio::time::timeout(LIMIT, added).await.unwrap().unwrap();
    assert_eq!(added, 0);
    let mut rows = rows_of(&bed, "read", Status::Pending).await;
    rows.retain(|row| row.priority == Priority::Person);
    assert_eq!(rows.len(), 1);
}
