//! `seogo serve`: the web app and the API, the watch over the library, all stages, and the speech service.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::{ApiSettings, AppState, Internals};
use search::{Indexer, SearchIndex};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;
use crate::archive::Archive;
use crate::status_source::Installation;
use crate::{database_wait, shutdown, speech_child, working};

/// How long a request waits for the database before it is told that there is none.
const API_PATIENCE: Duration = Duration::from_secs(5);
/// The user that the setting `admin_password` makes.
const ADMIN: &str = "admin";

pub async fn run(app: Arc<App>) -> Result<ExitCode> {
    let stop = shutdown::on_signal()?;
    let listener = listen(&app).await?;
    let child_address = match &app.settings.stt_endpoint {
        Some(_) => None,
        None => Some(speech_child::free_address()?),
    };
    let endpoint = match (&app.settings.stt_endpoint, child_address) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => String::new(),
    };
    let Some(store) = database_wait::open(&app, &stop).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let archive = Archive::on(&app, store, &endpoint)?;
    let index = Archive::index(&app)?;
    let setup = first_user(&app, &archive).await?;
    // The folders are there before anybody is told where to drop files; a NAS that is not mounted yet is waited for.
    if let Err(error) = archive.ingest.prepare().await {
        warn!("{error}");
    }

    let tasks = Tasks::new(stop.clone());
    if let Some(address) = child_address {
        let (app, stop) = (Arc::clone(&app), stop.clone());
        tasks.spawn("the speech service", async move {
            speech_child::supervise(&app, address, stop).await
        });
    }
    start_work(&tasks, &app, &archive, &index, &stop);
    let state = state(&app, &archive, index, stop.clone())?;
    say_where(&app, &listener, setup.as_deref())?;
    let served = api::serve(listener, api::router(state), stop.clone()).await;
    stop.cancel();
    tasks.finish().await;
    archive.store.close().await;
    served.context("the server stopped")?;
    tasks.outcome()
}

fn start_work(
    tasks: &Tasks,
    app: &Arc<App>,
    archive: &Archive,
    index: &Arc<SearchIndex>,
    stop: &CancellationToken,
) {
    let parts = || (Arc::clone(app), archive.clone(), stop.clone());
    let (app_, archive_, stop_) = parts();
    tasks.spawn("the stages", async move {
        working::work(&app_, &archive_, Vec::new(), stop_).await
    });
    let (app_, archive_, stop_) = parts();
    tasks.spawn("the watch for speech", async move {
        speech_child::wake_when_ready(&app_, &archive_, stop_).await;
        Ok(())
    });
    let (_, archive_, stop_) = parts();
    tasks.spawn("the watch over the library", async move {
        archive_.ingest.watch(stop_).await;
        Ok(())
    });
    let indexer = Indexer::new(Arc::clone(index), archive.store.clone());
    let stop = stop.clone();
    tasks.spawn("the search index", async move {
        indexer.run(stop).await;
        Ok(())
    });
}

async fn listen(app: &App) -> Result<TcpListener> {
    let address = app.settings.listen;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is Seogo running already? Choose another address with --listen")
    })
}

fn state(
    app: &App,
    archive: &Archive,
    index: Arc<SearchIndex>,
    shutdown: CancellationToken,
) -> Result<Arc<AppState>> {
    let settings = &app.settings;
    Ok(Arc::new(AppState {
        store: archive.store.with_patience(API_PATIENCE),
        graph: Arc::new(archive.graph.clone()),
        ingest: Arc::clone(&archive.ingest),
        search: index,
        derived_dir: settings.data.derived(),
        clock: Arc::clone(&app.clock),
        random: Arc::clone(&app.random),
        secret: settings.data.secret(&*app.random)?,
        status: Arc::new(Installation {
            tools: archive.tools.clone(),
            speech: archive.speech.clone(),
        }),
        settings: ApiSettings {
            concurrency: settings.concurrency.clone().into_iter().collect(),
            ..ApiSettings::default()
        },
        shutdown,
        internals: Internals::default(),
    }))
}

/// Makes `admin` where a password is set and nobody is there yet; else, while nobody is there, the token of the set-up link.
async fn first_user(app: &App, archive: &Archive) -> Result<Option<String>> {
    let empty = archive.store.read().await?.user_count().await? == 0;
    if let (true, Some(password)) = (empty, &app.settings.admin_password) {
        let (clock, random) = (&*app.clock, &*app.random);
        api::create_user(&archive.store, clock, random, ADMIN, password.expose())
            .await
            .context("the user admin cannot be made from admin_password")?;
        info!("made the user {ADMIN} with the password of the setting admin_password");
        return Ok(None);
    }
    Ok(api::begin_setup(&archive.store, &*app.random).await?)
}

/// Prints the one link a person needs.
fn say_where(app: &App, listener: &TcpListener, setup: Option<&str>) -> Result<()> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let library = app.settings.library_dir.display();
    info!(%address, %library, "Seogo is running");
    match setup {
        Some(token) => println!("Open http://{address}/setup?token={token}"),
        None => println!("Open http://{address}/"),
    }
    Ok(())
}

/// What runs beside the server. One that ends with an error stops the whole.
struct Tasks {
    tracker: tokio_util::task::TaskTracker,
    stop: CancellationToken,
    failed: CancellationToken,
}

impl Tasks {
    fn new(stop: CancellationToken) -> Self {
        Self {
            tracker: tokio_util::task::TaskTracker::new(),
            stop,
            failed: CancellationToken::new(),
        }
    }

    fn spawn(&self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        let (stop, failed) = (self.stop.clone(), self.failed.clone());
        self.tracker.spawn(async move {
            if let Err(error) = task.await {
                error!("{name} stopped: {error:#}");
                failed.cancel();
                stop.cancel();
            } else if !stop.is_cancelled() {
                warn!("{name} ended early");
            }
        });
    }

    async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn outcome(&self) -> Result<ExitCode> {
        Ok(if self.failed.is_cancelled() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}
