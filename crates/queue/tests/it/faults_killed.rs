//! `kill -9` of workers at every moment: whatever they leave behind is done, and done once.

use std::time::{Duration, Instant};

use model::{Clock, Priority, QueueItem, Random, SeededRandom, StageSpec, Status, SystemClock};

use crate::bed::Bed;
use crate::conformance;
use crate::faults::{
    FIRST, ask, assert_marks, assert_once, documents, done, load, rows, until, until_settled,
};
use crate::faults_worker::{Orders, STUBBORN, Worker, point};

conformance!(
    killed_after_the_claim,
    killed_mid_work,
    killed_before_the_commit,
    killed_after_the_commit_before_anyone_is_told,
    killed_at_200_random_instants,
    what_kills_its_worker_is_given_up_and_hurts_nothing_else,
);

/// How often a worker is killed at one of the named moments.
const KILLS: u64 = 10;

/// Takes back what a dead worker held, as a server does when it starts again.
async fn release(bed: &Bed, worker: &str) {
    let mut tx = bed.write().await.unwrap();
    tx.release_worker(worker, SystemClock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn killed_after_the_claim(bed: Bed) {
    killed(bed, point::CLAIMED).await;
}

async fn killed_mid_work(bed: Bed) {
    killed(bed, point::WORKING).await;
}

async fn killed_before_the_commit(bed: Bed) {
    killed(bed, point::COMMITTING).await;
}

async fn killed_after_the_commit_before_anyone_is_told(bed: Bed) {
    killed(bed, point::COMMITTED).await;
}

/// Kills workers at that point, now soon and now later in their lives, until one is left alone and does the rest.
async fn killed(bed: Bed, point: char) {
    let random = SeededRandom::new(u64::from(u32::from(point)));
    let documents = load(&bed, 200).await;
    for life in 0..KILLS {
        let nth = 1 + (random.unit() * 8.0) as usize;
        let orders = Orders {
            die: Some((point, nth)),
            ..Orders::new(bed.store.url(), format!("worker {life}"))
        };
        let points = Worker::start(&orders).dies().await;
        // Others may have come there with it.
        assert!(points.matches(point).count() >= nth, "{points}");
        // Else its leases run out, and a later one takes its work back.
        if life % 2 == 0 {
            release(&bed, &orders.worker).await;
        }
    }
    assert!(
        done(&bed).await < 2 * documents.len(),
        "killed in the middle of it"
    );
    finish(&bed).await;
    assert_once(&bed, &documents).await;
    let attempts: i64 = rows(&bed).await.iter().map(|row| row.attempts).sum();
    let needed = 2 * i64::try_from(documents.len()).unwrap();
    assert!(attempts > needed, "the dead have left work behind");
}

/// A last worker does what is left.
async fn finish(bed: &Bed) {
    let worker = Worker::start(&Orders::new(bed.store.url(), "the last"));
    until_settled(bed).await;
    worker.kill().await;
}

async fn killed_at_200_random_instants(bed: Bed) {
    let random = SeededRandom::new(200);
    let documents = load(&bed, 800).await;
    for life in 0..200 {
        let orders = Orders {
            work: Duration::from_millis(5),
            ..Orders::new(bed.store.url(), format!("worker {life}"))
        };
        let mut worker = Worker::start(&orders);
        worker.passes((random.unit() * 40.0) as usize).await;
        // Not at the very moment of a point.
        tokio::time::sleep(Duration::from_micros((random.unit() * 5000.0) as u64)).await;
        worker.kill().await;
        if life % 4 > 0 {
            release(&bed, &orders.worker).await;
        }
    }
    let before = done(&bed).await;
    assert!(
        (1..2 * documents.len()).contains(&before),
        "{before} were done while workers were killed"
    );
    finish(&bed).await;
    assert_once(&bed, &documents).await;
}

async fn what_kills_its_worker_is_given_up_and_hurts_nothing_else(bed: Bed) {
    let few = StageSpec {
        max_attempts: 3,
        ..*FIRST
    };
    let innocents = documents(&bed, "innocent", 20).await;
    ask(&bed, &innocents, &few, Priority::Bulk, &SystemClock).await;
    let poison = documents(&bed, "poison", 1).await;
    ask(&bed, &poison, &few, Priority::Person, &SystemClock).await;
    let mut deaths = 0;
    loop {
        let name = format!("worker {deaths}");
        let mut worker = Worker::start(&Orders::new(bed.store.url(), &name));
        tokio::select! {
            () = worker.dead() => {}
            () = until_settled(&bed) => break,
        }
        worker.dies().await;
        release(&bed, &name).await;
        deaths += 1;
    }
    assert_eq!(deaths, few.max_attempts, "no more workers than it may kill");
    let given_up = poisoned(&bed).await;
    assert_eq!(given_up.status, Status::Failed);
    assert_eq!(given_up.error_code.as_deref(), Some("worker_lost"));
    let message = given_up.error_message.clone().unwrap();
    assert!(
        message.starts_with("The worker stopped 3 times"),
        "{message}"
    );
    assert_marks(&bed, &innocents).await;

    for life in 0..3 {
        let fresh = documents(&bed, &format!("fresh {life}"), 1).await;
        ask(&bed, &fresh, FIRST, Priority::Bulk, &SystemClock).await;
        let worker = Worker::start(&Orders::new(bed.store.url(), format!("later {life}")));
        until_settled(&bed).await;
        assert_marks(&bed, &fresh).await;
        worker.kill().await;
        release(&bed, &format!("later {life}")).await;
    }
    assert_eq!(
        poisoned(&bed).await,
        given_up,
        "nobody has touched it again"
    );
    assert_marks(&bed, &innocents).await;
}

async fn poisoned(bed: &Bed) -> QueueItem {
    let mut failed = rows(bed).await;
    failed.retain(|row| row.status != Status::Completed);
    assert_eq!(failed.len(), 1, "{failed:#?}");
    failed.remove(0)
}

/// What issue and manual promise of the default settings.
const RECOVERY: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_run_is_taken_over_within_15_s() {
    let bed = Bed::postgres().await;
    let calm = |name: &str| Orders {
        calm: true,
        ..Orders::new(bed.store.url(), name)
    };
    let document = documents(&bed, "long", 1).await;
    ask(&bed, &document, STUBBORN, Priority::Bulk, &SystemClock).await;
    let mut doomed = Worker::start(&Orders {
        stage: Some(STUBBORN),
        ..calm("doomed")
    });
    doomed.comes_to(point::WORKING).await;
    let claimed = rows(&bed).await.remove(0);
    // The other one is alive and works; the first leaves this to it.
    let mut living = Worker::start(&calm("living"));
    let other = documents(&bed, "other", 8).await;
    ask(&bed, &other, FIRST, Priority::Bulk, &SystemClock).await;
    living.comes_to(point::COMMITTED).await;
    // Right after a sign of life, so that its claim holds as long as it can.
    let prolonged = async || {
        rows(&bed)
            .await
            .iter()
            .any(|row| row.id == claimed.id && row.lease_until > claimed.lease_until)
    };
    until("the claim is prolonged", prolonged).await;
    let killed = Instant::now();
    doomed.kill().await;
    bed.until_status(&claimed.id, Status::Completed).await;
    let took = killed.elapsed();
    living.kill().await;
    assert!(took < RECOVERY, "{took:?}");
    let row = bed.row(&claimed.id).await;
    assert_eq!((row.attempts, row.crashes), (2, 1));
}
