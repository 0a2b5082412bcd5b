//! People, sessions, tokens.

use store::{ApiToken, Session, User};

use crate::conformance;
use crate::database::{Database, NOW};

conformance!(
    a_name_is_taken_once,
    a_session_ends,
    a_new_password_ends_the_sessions,
    a_token_is_found_by_its_hash,
    a_fact_is_kept,
);

fn user(name: &str) -> User {
    User {
        id: format!("id of {name}"),
        name: name.into(),
        password_hash: "$argon2id$…".into(),
        created_at: NOW,
    }
}

fn session(user: &User) -> Session {
    Session {
        token_hash: "hash".into(),
        user_id: user.id.clone(),
        created_at: NOW,
        expires_at: NOW.plus_ms(1000),
    }
}

async fn a_name_is_taken_once(db: Database) {
    let mut tx = db.write().await;
    assert_eq!(tx.user_count().await.unwrap(), 0);
    tx.insert_user(&user("지민")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.write().await;
    let mut twin = user("지민");
    twin.id = "other".into();
    assert!(tx.insert_user(&twin).await.unwrap_err().is_duplicate());
    drop(tx);
    let found = db.read().await.user_by_name("지민").await.unwrap();
    assert_eq!(found, Some(user("지민")));
}

async fn a_session_ends(db: Database) {
    let user = user("a");
    let mut tx = db.write().await;
    tx.insert_user(&user).await.unwrap();
    tx.insert_session(&session(&user)).await.unwrap();
    let found = tx.session_user("hash", NOW.plus_ms(999)).await.unwrap();
    assert_eq!(found, Some(user));
    assert_eq!(
        tx.session_user("hash", NOW.plus_ms(1000)).await.unwrap(),
        None
    );
    tx.delete_session("hash").await.unwrap();
    assert_eq!(tx.session_user("hash", NOW).await.unwrap(), None);
}

async fn a_new_password_ends_the_sessions(db: Database) {
    let user = user("a");
    let mut tx = db.write().await;
    tx.insert_user(&user).await.unwrap();
    tx.insert_session(&session(&user)).await.unwrap();
    tx.set_password(&user.id, "new").await.unwrap();
    assert_eq!(tx.session_user("hash", NOW).await.unwrap(), None);
    let after = tx.user(&user.id).await.unwrap().unwrap();
    assert_eq!(after.password_hash, "new");
}

async fn a_token_is_found_by_its_hash(db: Database) {
    let token = ApiToken {
        id: "1".into(),
        name: "backup".into(),
        token_hash: "h".into(),
        user_id: None,
        created_at: NOW,
        last_used_at: None,
    };
    let mut tx = db.write().await;
    tx.insert_api_token(&token).await.unwrap();
    assert_eq!(tx.api_token("h").await.unwrap(), Some(token));
    tx.touch_api_token("1", NOW.plus_ms(5)).await.unwrap();
    let listed = tx.api_tokens().await.unwrap();
    assert_eq!(listed[0].last_used_at, Some(NOW.plus_ms(5)));
    assert!(tx.delete_api_token("1").await.unwrap());
    assert!(!tx.delete_api_token("1").await.unwrap());
    assert_eq!(tx.api_token("h").await.unwrap(), None);
}

async fn a_fact_is_kept(db: Database) {
    let mut tx = db.write().await;
    assert_eq!(tx.meta("k").await.unwrap(), None);
    tx.set_meta("k", "1").await.unwrap();
    tx.set_meta("k", "2").await.unwrap();
    assert_eq!(tx.meta("k").await.unwrap().as_deref(), Some("2"));
    assert!(tx.delete_meta("k").await.unwrap());
    assert!(!tx.delete_meta("k").await.unwrap());
}
