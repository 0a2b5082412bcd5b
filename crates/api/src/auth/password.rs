//! Passwords by argon2id.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use model::Random;
use tokio::sync::Semaphore;

use crate::error::ApiError;

const SALT_BYTES: usize = 16;

/// Passwords worked on at once: each costs 19 MiB and a processor, and a flood of sign-ins must not take them all.
const AT_ONCE: usize = 2;

/// Stands in where there is no such user, so that the answer takes as long: argon2id with the parameters of
/// [`hash_password`], of a password nobody knows.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct PasswordError(String);

/// The PHC string (argon2id) of a password. Takes tens of milliseconds of a processor: never on an async thread.
///
/// # Errors
/// The password is longer than argon2 takes (4 GiB).
pub fn hash_password(password: &str, random: &dyn Random) -> Result<String, PasswordError> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| PasswordError(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether the password is the one of that hash; without a hash it works as long and says no. Takes tens of milliseconds of
/// a processor: never on an async thread.
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else {
        tracing::error!("a stored password hash cannot be read; set the password anew");
        return false;
    };
    let same = Argon2::default()
        .verify_password(password.as_bytes(), &parsed)
        .is_ok();
    same && hash.is_some()
}

/// Room for password work.
#[derive(Debug)]
pub(crate) struct PasswordSlots(Arc<Semaphore>);

impl Default for PasswordSlots {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl PasswordSlots {
    /// [`verify_password`] off the async threads, a few at once.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, ApiError> {
        self.run(move || verify_password(&password, hash.as_deref()))
            .await
    }

    /// [`hash_password`] off the async threads, a few at once.
    pub async fn hash(
        &self,
        password: String,
        random: Arc<dyn Random>,
    ) -> Result<String, ApiError> {
        self.run(move || hash_password(&password, &*random))
            .await?
            .map_err(|error| ApiError::internal(&error))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let permit = permit.map_err(|error| ApiError::internal(&error))?;
        let work = move || {
            // Held by the work itself: a caller who hangs up does not make room for another.
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| ApiError::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SeededRandom;

    #[test]
    fn a_password_opens_its_own_hash_alone() {
        let hash = hash_password("서고 열쇠 key", &SeededRandom::new(1)).unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(verify_password("서고 열쇠 key", Some(&hash)));
        assert!(!verify_password("서고 열쇠 Key", Some(&hash)));
        assert!(!verify_password("서고 열쇠 key", Some("broken")));
    }

    #[test]
    fn nobody_never_signs_in_but_is_worked_on() {
        assert!(PasswordHash::new(NOBODY).is_ok(), "else no work is done");
        assert!(!verify_password("", None));
    }
}
