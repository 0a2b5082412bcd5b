//! What changes, as it changes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use model::{Category, DocumentId};
use serde::Serialize;
use serde_json::json;
use store::Event;
use tokio_stream::wrappers::BroadcastStream;

use crate::error::ErrorBody;
use crate::state::AppState;

/// Tells nginx to pass each event on at once.
const UNBUFFERED: [(&str, &str); 1] = [("x-accel-buffering", "no")];

/// A document was added, changed, or removed.
#[derive(Serialize)]
struct DocumentChanged<'a> {
    id: &'a DocumentId,
    /// Null where the document is gone.
    category: Option<Category>,
}

/// Changes of documents and of the queue, as server-sent events: `document`, `queue`, `stage`, and `resync` where this
/// listener was too slow, or the server did not hear other processes for a while, and it must look at everything again.
#[utoipa::path(get, path = "/api/events", tag = "events", responses(
    (status = 200, body = String, content_type = "text/event-stream"), (status = 401, body = ErrorBody)
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
) -> (
    [(&'static str, &'static str); 1],
    Sse<impl Stream<Item = Result<Message, Infallible>>>,
) {
    let stop = app.shutdown.clone().cancelled_owned();
    let events = BroadcastStream::new(app.store.subscribe());
    let messages = events.then(move |event| {
        let app = Arc::clone(&app);
        async move {
            Ok(match event {
                Ok(event) => message(&app, &event).await,
                // The receiver was lapped: what it missed is known to nobody.
                Err(_) => resync(),
            })
        }
    });
    // A comment line every 15 seconds.
    let stream = Sse::new(messages.take_until(stop)).keep_alive(KeepAlive::default());
    (UNBUFFERED, stream)
}

async fn message(app: &AppState, event: &Event) -> Message {
    let (name, data) = match event {
        Event::Document { id, category } => {
            let category = category_of(app, id, *category).await;
            ("document", json!(DocumentChanged { id, category }))
        }
        Event::Queue {
            id,
            document_id,
            stage,
            status,
            progress,
        } => (
            "queue",
            json!({"id": id, "document_id": document_id, "stage": stage, "status": status, "progress": progress}),
        ),
        Event::Stage { stage } => ("stage", json!({"stage": stage})),
        Event::Missed => return resync(),
    };
    Message::default().event(name).data(data.to_string())
}

fn resync() -> Message {
    Message::default().event("resync").data("{}")
}

/// The category as the event knows it, else as the store does. An event is a hint: without an answer it goes out as it is.
async fn category_of(app: &AppState, id: &DocumentId, known: Option<Category>) -> Option<Category> {
    if known.is_some() {
        return known;
    }
    let document = app.document(id).await.ok()?;
    Some(document.category)
}
