//! Who may do what: passwords, sessions, API tokens, media tokens.
//!
//! Secrets are made by [`secret`] and kept only as hashes. [`guard`] stands before every route that needs a sign-in.

mod account;
mod api_token;
mod attempts;
pub(crate) mod guard;
pub(crate) mod media_token;
mod origin;
mod password;
mod secret;
pub(crate) mod session;
pub(crate) mod setup;

pub use account::{AccountError, PASSWORD_MIN_CHARS, create_user};
pub use api_token::{NewApiToken, create_api_token};
pub use password::{PasswordError, hash_password, verify_password};
pub use setup::begin_setup;

pub(crate) use account::user_name;
pub(crate) use attempts::LoginAttempts;
pub(crate) use origin::check_origin;
pub(crate) use password::PasswordSlots;
