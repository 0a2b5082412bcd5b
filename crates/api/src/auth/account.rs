//! Making users.

use model::{Clock, Random, name::nfc, new_uuid};
use store::{Store, StoreError, Tx, User};

use super::password::{PasswordError, hash_password};
use crate::error::ApiError;

/// Shortest password, in characters.
pub const PASSWORD_MIN_CHARS: usize = 8;

/// Longest user name, in characters.
const NAME_MAX_CHARS: usize = 64;

/// Why a user cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is empty, too long, or holds control characters.
    #[error("A user name has 1 to {NAME_MAX_CHARS} characters and no control characters.")]
    InvalidName,
    /// The password is too short.
    #[error("A password has at least {PASSWORD_MIN_CHARS} characters.")]
    WeakPassword,
    /// Somebody has that name.
    #[error("There is a user of that name already.")]
    NameTaken,
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The name as it is kept: NFC, without white space around it.
pub(crate) fn user_name(name: &str) -> Result<String, AccountError> {
    let name = nfc(name.trim());
    let fits = (1..=NAME_MAX_CHARS).contains(&name.chars().count());
    if fits && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(AccountError::InvalidName)
    }
}

pub(crate) fn check_password(password: &str) -> Result<(), AccountError> {
    if password.chars().count() < PASSWORD_MIN_CHARS {
        return Err(AccountError::WeakPassword);
    }
    Ok(())
}

/// Makes a user. Hashes the password on the calling thread, which takes tens of milliseconds.
///
/// # Errors
/// A name or a password that will not do, a name that is taken, the database.
pub async fn create_user(
    store: &Store,
    clock: &dyn Clock,
    random: &dyn Random,
    name: &str,
    password: &str,
) -> Result<User, AccountError> {
    let name = user_name(name)?;
    check_password(password)?;
    let user = User {
        id: new_uuid(clock, random),
        name,
        password_hash: hash_password(password, random)?,
        created_at: clock.now(),
    };
    let mut tx = store.write().await?;
    insert(&mut tx, &user).await?;
    tx.commit().await?;
    Ok(user)
}

pub(crate) async fn insert(tx: &mut Tx, user: &User) -> Result<(), AccountError> {
    tx.insert_user(user).await.map_err(|error| {
        if error.is_duplicate() {
            AccountError::NameTaken
        } else {
            AccountError::Store(error)
        }
    })
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        let message = error.to_string();
        match error {
            AccountError::InvalidName => Self::bad_request("invalid_username", message),
            AccountError::WeakPassword => Self::bad_request("weak_password", message),
            AccountError::NameTaken => Self::conflict("username_taken", message),
            AccountError::Password(error) => Self::internal(&error),
            AccountError::Store(error) => error.into(),
        }
    }
}
