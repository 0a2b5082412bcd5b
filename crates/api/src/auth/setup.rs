//! The first user, made through a one-time link.

use model::{Random, Timestamp, new_uuid};
use store::{Store, StoreError, User};

use super::account::{check_password, insert, user_name};
use super::secret::{hash_of, matches, new_secret};
use crate::error::ApiError;
use crate::state::AppState;

const TOKEN_HASH: &str = "setup_token_hash";

/// Where there is no user yet: a new one-time token for `/setup?token=…`; earlier ones are void.
///
/// # Errors
/// The database.
pub async fn begin_setup(store: &Store, random: &dyn Random) -> Result<Option<String>, StoreError> {
    let mut tx = store.write().await?;
    if tx.user_count().await? > 0 {
        return Ok(None);
    }
    let token = new_secret(random);
    tx.set_meta(TOKEN_HASH, &hash_of(&token)).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// What a person sends through the link.
pub(crate) struct FirstUser {
    pub token: String,
    pub name: String,
    pub password: String,
}

/// Makes the first user; the token is used up by that.
pub(crate) async fn finish(
    app: &AppState,
    first: FirstUser,
) -> Result<(store::Tx, User), ApiError> {
    check_token(app, &first.token).await?;
    let name = user_name(&first.name)?;
    check_password(&first.password)?;
    let random = app.random.clone();
    let password_hash = app.internals.passwords.hash(first.password, random).await?;
    let user = new_user(app, name, password_hash, app.now());
    let mut tx = app.write().await?;
    // Whoever deletes the token's hash is the one it was good for.
    if !tx.delete_meta(TOKEN_HASH).await? || tx.user_count().await? > 0 {
        return Err(already_set_up());
    }
    insert(&mut tx, &user).await?;
    Ok((tx, user))
}

fn new_user(app: &AppState, name: String, password_hash: String, now: Timestamp) -> User {
    User {
        id: new_uuid(&*app.clock, &*app.random),
        name,
        password_hash,
        created_at: now,
    }
}

async fn check_token(app: &AppState, token: &str) -> Result<(), ApiError> {
    let mut tx = app.read().await?;
    if tx.user_count().await? > 0 {
        return Err(already_set_up());
    }
    let kept = tx.meta(TOKEN_HASH).await?;
    if kept.is_some_and(|kept| matches(token, &kept)) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "invalid_setup_token",
        "This set-up link is not the latest one. Restart the server and take the link from its log.",
    ))
}

fn already_set_up() -> ApiError {
    ApiError::conflict("already_set_up", "Seogo is set up already; sign in.")
}
