//! The HTTP API and the embedded web app.
//!
//! [`router`] makes the service from an [`AppState`], [`serve`] runs it. Every call lives in a file of its own below
//! `routes/`; who may make it is decided in `auth/`; every refusal is an [`ApiError`].

mod auth;
mod error;
mod extract;
mod headers;
mod http;
mod metrics;
mod router;
mod routes;
mod serve;
mod state;
mod view;
mod web;

pub use auth::{
    AccountError, NewApiToken, PASSWORD_MIN_CHARS, PasswordError, begin_setup, create_api_token,
    create_user, hash_password, verify_password,
};
pub use error::ApiError;
pub use router::router;
pub use serve::serve;
pub use state::{
    ApiSettings, AppState, Internals, ProgramStatus, ServerStatus, SpeechEngine, SpeechStatus,
    StatusSource,
};
