//! Tokens for programs.

use model::{Clock, Random, new_uuid};
use serde::Serialize;
use store::{ApiToken, Store, StoreError};
use utoipa::ToSchema;

use super::secret::{hash_of, new_secret};

/// What every API token begins with, so that people and secret scanners know it.
pub(crate) const PREFIX: &str = "seogo_";

/// A token just made: the only time it can be read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NewApiToken {
    /// Names the token in lists, and takes it back.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// The token itself.
    pub token: String,
}

/// Makes a token, of a user or (`None`) of the installation.
///
/// # Errors
/// The database.
pub async fn create_api_token(
    store: &Store,
    clock: &dyn Clock,
    random: &dyn Random,
    name: &str,
    user_id: Option<&str>,
) -> Result<NewApiToken, StoreError> {
    let token = format!("{PREFIX}{}", new_secret(random));
    let kept = ApiToken {
        id: new_uuid(clock, random),
        name: name.to_owned(),
        token_hash: hash_of(&token),
        user_id: user_id.map(str::to_owned),
        created_at: clock.now(),
        last_used_at: None,
    };
    let mut tx = store.write().await?;
    tx.insert_api_token(&kept).await?;
    tx.commit().await?;
    Ok(NewApiToken {
        id: kept.id,
        name: kept.name,
        token,
    })
}
