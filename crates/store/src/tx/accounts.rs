//! People, their sessions and tokens, and small facts of the installation.

use model::Timestamp;

use super::Tx;
use crate::StoreError;
use crate::value::{Row, args};

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// UUIDv7.
    pub id: String,
    /// Unique.
    pub name: String,
    /// PHC string (argon2id).
    pub password_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie's secret; the secret itself is kept nowhere.
    pub token_hash: String,
    /// Whose it is.
    pub user_id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// UUIDv7.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// Hash of the token; the token itself is kept nowhere.
    pub token_hash: String,
    /// Whose it is; `None` where it was made on the command line.
    pub user_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

fn read_user(mut row: Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.text()?,
        name: row.text()?,
        password_hash: row.text()?,
        created_at: row.time()?,
    })
}

fn read_token(mut row: Row) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.text()?,
        name: row.text()?,
        token_hash: row.text()?,
        user_id: row.opt_text()?,
        created_at: row.time()?,
        last_used_at: row.opt_time()?,
    })
}

const USER: &str = "id, name, password_hash, created_at";
const TOKEN: &str = "id, name, token_hash, user_id, created_at, last_used_at";

impl Tx {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::is_duplicate`] where the name is taken.
    pub async fn insert_user(&mut self, user: &User) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO users (id, name, password_hash, created_at) VALUES ($1, $2, $3, $4)",
            args![&user.id, &user.name, &user.password_hash, user.created_at],
        )
        .await?;
        Ok(())
    }

    /// The user of that name.
    pub async fn user_by_name(&mut self, name: &str) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {USER} FROM users WHERE name = $1");
        let row = self.fetch_optional(sql, args![name]).await?;
        row.map(read_user).transpose()
    }

    /// The user of that id.
    pub async fn user(&mut self, id: &str) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {USER} FROM users WHERE id = $1");
        let row = self.fetch_optional(sql, args![id]).await?;
        row.map(read_user).transpose()
    }

    /// How many users there are.
    pub async fn user_count(&mut self) -> Result<i64, StoreError> {
        let row = self
            .fetch_optional("SELECT COUNT(*) FROM users", args![])
            .await?;
        row.map_or(Ok(0), |mut row| row.int())
    }

    /// Sets a user's password and ends all of that user's sessions.
    pub async fn set_password(
        &mut self,
        user_id: &str,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1",
            args![user_id, password_hash],
        )
        .await?;
        self.execute("DELETE FROM sessions WHERE user_id = $1", args![user_id])
            .await?;
        Ok(())
    }

    /// Adds a session and forgets those that have ended.
    pub async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM sessions WHERE expires_at <= $1",
            args![session.created_at],
        )
        .await?;
        self.execute(
            "INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
            args![
                &session.token_hash,
                &session.user_id,
                session.created_at,
                session.expires_at
            ],
        )
        .await?;
        Ok(())
    }

    /// The user whose session it is, while it lasts.
    pub async fn session_user(
        &mut self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let row = self
            .fetch_optional(
                "SELECT u.id, u.name, u.password_hash, u.created_at FROM sessions s JOIN users u ON u.id = s.user_id \
                 WHERE s.token_hash = $1 AND s.expires_at > $2",
                args![token_hash, now],
            )
            .await?;
        row.map(read_user).transpose()
    }

    /// Ends a session.
    pub async fn delete_session(&mut self, token_hash: &str) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM sessions WHERE token_hash = $1",
            args![token_hash],
        )
        .await?;
        Ok(())
    }

    /// Adds a token.
    pub async fn insert_api_token(&mut self, token: &ApiToken) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO api_tokens (id, name, token_hash, user_id, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6)",
            args![
                &token.id,
                &token.name,
                &token.token_hash,
                token.user_id.clone(),
                token.created_at,
                token.last_used_at,
            ],
        )
        .await?;
        Ok(())
    }

    /// The token with that hash.
    pub async fn api_token(&mut self, token_hash: &str) -> Result<Option<ApiToken>, StoreError> {
        let sql = format!("SELECT {TOKEN} FROM api_tokens WHERE token_hash = $1");
        let row = self.fetch_optional(sql, args![token_hash]).await?;
        row.map(read_token).transpose()
    }

    /// Every token, oldest first.
    pub async fn api_tokens(&mut self) -> Result<Vec<ApiToken>, StoreError> {
        let sql = format!("SELECT {TOKEN} FROM api_tokens ORDER BY created_at, id");
        let rows = self.fetch(sql, args![]).await?;
        rows.into_iter().map(read_token).collect()
    }

    /// Notes that a token was used.
    pub async fn touch_api_token(&mut self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        self.execute(
            "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1",
            args![id, now],
        )
        .await?;
        Ok(())
    }

    /// Takes a token back; `false` where there is none of that id.
    pub async fn delete_api_token(&mut self, id: &str) -> Result<bool, StoreError> {
        let gone = self
            .execute("DELETE FROM api_tokens WHERE id = $1", args![id])
            .await?;
        Ok(gone > 0)
    }

    /// A small fact of the installation.
    pub async fn meta(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        let row = self
            .fetch_optional("SELECT value FROM meta WHERE key = $1", args![key])
            .await?;
        row.map(|mut row| row.text()).transpose()
    }

    /// Keeps a small fact of the installation.
    pub async fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            args![key, value],
        )
        .await?;
        Ok(())
    }

    /// Forgets a small fact of the installation; `false` where it was not there.
    pub async fn delete_meta(&mut self, key: &str) -> Result<bool, StoreError> {
        let gone = self
            .execute("DELETE FROM meta WHERE key = $1", args![key])
            .await?;
        Ok(gone > 0)
    }
}
