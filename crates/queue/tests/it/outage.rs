//! A database that does not answer for a while: work goes on by itself afterwards, and no result is lost.

use std::sync::Arc;
use std::time::Duration;

use model::Priority;
use model::{StageSpec, Status};
use store::{Store, StoreOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::bed::{Bed, eager};
use crate::control::{Calls, controlled, spec, text_of, within};

const STAGES: &[StageSpec] = &[
    StageSpec {
        concurrency: 2,
        ..spec("extract", &[])
    },
    spec("chunk", &["extract"]),
];

/// Gives up soon, so that the outage is felt.
fn impatient() -> StoreOptions {
    StoreOptions {
        acquire_timeout: Duration::from_millis(500),
        lock_timeout: Duration::from_millis(50),
        ..StoreOptions::default()
    }
}

/// What happens after the database is back: the result that came during the outage is there, and new work is done.
async fn all_goes_on(bed: &Bed, calls: &mut Calls) {
    calls.next_of("chunk").await.succeed();
    bed.submit("after", "extract").await;
    for stage in ["extract", "chunk"] {
        let call = calls.next_of(stage).await;
        assert_eq!(
            (call.document.title.as_str(), call.item.attempts),
            ("after", 1)
        );
        call.succeed();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_sqlite_file_holds_work_up_and_loses_none() {
    let bed = Bed::sqlite().await;
    let own = Store::open(bed.store.url(), &impatient()).await.unwrap();
    let other = Store::open(bed.store.url(), &impatient()).await.unwrap();
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start_on(own, &graph, eager("w"));
    let document = bed.add("a").await;
    let id = bed.enqueue(&document, "extract", Priority::Bulk).await;
    let call = calls.next_of("extract").await;

    let lock = bed.write().await.unwrap();
    call.end(Ok(text_of("kept").into()));
    // One as impatient is refused so often that the runner has been, too, past its tries at once.
    for _ in 0..30 {
        assert!(other.write().await.is_err(), "the file is locked");
    }
    assert_eq!(bed.row(&id).await.status, Status::Processing);
    drop(lock);

    all_goes_on(&bed, &mut calls).await;
    assert_eq!(bed.text(&document.id).await.as_deref(), Some("kept"));
    working.end().await;
    assert_eq!(bed.row(&id).await.attempts, 1);
    bed.assert_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_goes_away_holds_work_up_and_loses_none() {
    let bed = Bed::postgres().await;
    let wire = Wire::to(bed.store.url()).await;
    let own = Store::open(&wire.url, &impatient()).await.unwrap();
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start_on(own.clone(), &graph, eager("w"));
    let document = bed.add("a").await;
    let id = bed.enqueue(&document, "extract", Priority::Bulk).await;
    let call = calls.next_of("extract").await;

    wire.cut();
    call.end(Ok(text_of("kept").into()));
    // Its own connections are gone: nothing of the runner can have got through since.
    let refused = within("the outage is felt", own.write()).await;
    assert!(refused.is_err());
    assert_eq!(bed.row(&id).await.status, Status::Processing);
    wire.mend();

    all_goes_on(&bed, &mut calls).await;
    assert_eq!(bed.text(&document.id).await.as_deref(), Some("kept"));
    working.end().await;
    assert_eq!(bed.row(&id).await.attempts, 1);
    bed.assert_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_stops_even_while_the_database_is_away() {
    let bed = Bed::postgres().await;
    let wire = Wire::to(bed.store.url()).await;
    let own = Store::open(&wire.url, &impatient()).await.unwrap();
    let (graph, mut calls) = controlled(STAGES);
    let config = queue::RunnerConfig {
        grace: Duration::ZERO,
        ..eager("w")
    };
    let working = bed.start_on(own, &graph, config);
    let id = bed.submit("a", "extract").await;
    let call = calls.next_of("extract").await;
    wire.cut();
    working.end().await;
    call.stopped().await;
    // Its lease brings the row back.
    assert_eq!(bed.row(&id).await.status, Status::Processing);
}

/// A wire to a PostgreSQL server that can be cut and mended.
struct Wire {
    url: String,
    whole: Arc<watch::Sender<bool>>,
}

impl Wire {
    async fn to(url: &str) -> Self {
        let (server, name) = url.rsplit_once('/').unwrap();
        let (scheme, address) = server.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let whole = Arc::new(watch::Sender::new(true));
        tokio::spawn(serve(listener, address.to_owned(), Arc::clone(&whole)));
        Self {
            url: format!("{scheme}@127.0.0.1:{port}/{name}"),
            whole,
        }
    }

    /// Ends every connection and lets none through.
    fn cut(&self) {
        self.whole.send_replace(false);
    }

    fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn serve(listener: TcpListener, address: String, whole: Arc<watch::Sender<bool>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut state = whole.subscribe();
        if !*state.borrow() {
            continue;
        }
        let address = address.clone();
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(address).await else {
                return;
            };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                _ = state.wait_for(|whole| !whole) => {}
            }
        });
    }
}
