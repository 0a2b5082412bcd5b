//! Every call, one file each. A new call is written in its own file and added to one of the lists here.

mod ask;
mod auth_login;
mod auth_logout;
mod auth_session;
mod auth_tokens;
mod document_delete;
mod document_edit;
mod document_file;
mod document_get;
mod document_list;
mod document_media_token;
mod document_preview;
mod document_restore;
mod document_similar;
mod document_stage;
mod document_text;
mod document_thumbnail;
mod document_timeline;
mod document_upload;
mod events;
mod health;
mod metrics;
mod note_add;
mod note_edit;
pub(crate) mod openapi;
mod queue_cancel;
mod queue_cancel_many;
pub(crate) mod queue_history;
mod queue_list;
mod queue_pause;
mod queue_priority;
mod queue_rerun;
mod queue_retry;
mod queue_retry_failed;
mod queue_selection;
mod queue_stats;
mod ready;
mod search;
mod segments;
mod setup;
mod stages;
mod stats;
mod status;
mod tags;
mod video_convert;
mod video_storyboard;
mod video_subtitles;
mod video_thumbnail;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::state::AppState;

/// Largest body of a request that needs no sign-in, in bytes.
const MAX_OPEN_BODY_BYTES: usize = 64 * 1024;

type Routes = OpenApiRouter<Arc<AppState>>;

/// What needs no sign-in.
pub(crate) fn open() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(health::get))
        .routes(routes!(ready::get))
        .routes(routes!(metrics::get))
        .routes(routes!(setup::get, setup::post))
        .routes(routes!(auth_login::post))
        .layer(DefaultBodyLimit::max(MAX_OPEN_BODY_BYTES))
}

/// What needs a sign-in or an API token.
pub(crate) fn guarded() -> Routes {
    OpenApiRouter::new()
        .merge(documents())
        .merge(steering())
        .routes(routes!(auth_logout::post))
        .routes(routes!(auth_session::get))
        .routes(routes!(auth_tokens::list, auth_tokens::create))
        .routes(routes!(auth_tokens::delete))
        .routes(routes!(search::get))
        .routes(routes!(ask::post))
        .routes(routes!(stats::category_counts))
        .routes(routes!(tags::list))
        .routes(routes!(status::get))
        .routes(routes!(events::get))
}

fn documents() -> Routes {
    OpenApiRouter::new()
        // Streamed to the disk; ingest holds the limit.
        .routes(
            routes!(document_list::get, document_upload::post).layer(DefaultBodyLimit::disable()),
        )
        .routes(routes!(
            document_get::get,
            document_edit::patch,
            document_delete::delete
        ))
        .routes(routes!(document_restore::post))
        .routes(routes!(document_media_token::post))
        .routes(routes!(document_text::get))
        .routes(routes!(document_similar::get))
        .routes(routes!(document_stage::post))
        .routes(routes!(document_timeline::get))
        .routes(routes!(note_add::post))
        .routes(routes!(note_edit::put))
        .routes(routes!(segments::get))
        .routes(routes!(video_convert::post))
        .routes(routes!(video_subtitles::list))
}

fn steering() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(queue_list::get))
        .routes(routes!(queue_stats::get))
        .routes(routes!(queue_retry::post))
        .routes(routes!(queue_cancel::post))
        .routes(routes!(queue_priority::post))
        .routes(routes!(queue_cancel_many::post))
        .routes(routes!(queue_rerun::post))
        .routes(routes!(queue_retry_failed::post))
        .routes(routes!(queue_pause::pause))
        .routes(routes!(queue_pause::resume))
        .routes(routes!(stages::list))
}

/// What a media token for the original opens as well.
pub(crate) fn file() -> Routes {
    OpenApiRouter::new().routes(routes!(document_file::get))
}

/// What a media token for the thumbnail opens as well.
pub(crate) fn thumbnails() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(document_thumbnail::get))
        .routes(routes!(video_thumbnail::get))
}

/// What a media token for the preview opens as well.
pub(crate) fn preview() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(document_preview::get))
        .routes(routes!(video_storyboard::track))
        .routes(routes!(video_storyboard::sheet))
        .routes(routes!(video_subtitles::track))
}
