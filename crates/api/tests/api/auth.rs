//! Set-up, sign-in, sessions, tokens, media tokens.

use std::time::Duration;

use api::ApiSettings;
use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, START, Site, anonymous};

const PASSWORD: &str = "correct horse 서고";

async fn set_up(site: &Site) -> Answer {
    let token = api::begin_setup(&site.app.store, &*site.app.random)
        .await
        .unwrap()
        .unwrap();
    let body = json!({"token": token, "username": " kim ", "password": PASSWORD});
    site.anonymous(Method::POST, "/api/setup", body).await
}

fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly; SameSite=Lax; Path=/"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

async fn login(site: &Site, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password});
    site.anonymous(Method::POST, "/api/auth/login", body).await
}

async fn with_cookie(site: &Site, method: Method, path: &str, cookie: &str) -> Answer {
    anonymous(site, method, path, Value::Null, &[("cookie", cookie)]).await
}

#[tokio::test]
async fn the_first_person_sets_up_once() {
    let site = Site::new().await;
    let needed = async || {
        site.anonymous(Method::GET, "/api/setup", Value::Null)
            .await
            .ok(200)["needed"]
            .clone()
    };
    assert_eq!(needed().await, true);
    let attempt = async |token: &str, name: &str, password: &str| {
        let body = json!({"token": token, "username": name, "password": password});
        site.anonymous(Method::POST, "/api/setup", body).await
    };
    attempt("guess", "kim", PASSWORD)
        .await
        .refused(403, "invalid_setup_token");
    let old = api::begin_setup(&site.app.store, &*site.app.random)
        .await
        .unwrap()
        .unwrap();
    let token = api::begin_setup(&site.app.store, &*site.app.random)
        .await
        .unwrap()
        .unwrap();
    attempt(&old, "kim", PASSWORD)
        .await
        .refused(403, "invalid_setup_token");
    attempt(&token, "kim", "일곱글자입니다")
        .await
        .refused(400, "weak_password");
    attempt(&token, "  ", PASSWORD)
        .await
        .refused(400, "invalid_username");

    let done = attempt(&token, "kim", PASSWORD).await;
    assert_eq!(done.status, 204);
    let who = with_cookie(&site, Method::GET, "/api/auth/session", &cookie(&done)).await;
    assert_eq!(who.ok(200), json!({"username": "kim"}));
    assert_eq!(needed().await, false);
    attempt(&token, "lee", PASSWORD)
        .await
        .refused(409, "already_set_up");
    assert_eq!(
        api::begin_setup(&site.app.store, &*site.app.random)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_session_lasts_until_it_is_ended_or_over() {
    let site = Site::new().await;
    set_up(&site).await;
    login(&site, "kim", "wrong password")
        .await
        .refused(401, "invalid_credentials");
    login(&site, "nobody", PASSWORD)
        .await
        .refused(401, "invalid_credentials");

    let session = cookie(&login(&site, "kim", PASSWORD).await);
    let who =
        async |cookie: &str| with_cookie(&site, Method::GET, "/api/auth/session", cookie).await;
    assert_eq!(who(&session).await.ok(200)["username"], "kim");
    let out = with_cookie(&site, Method::POST, "/api/auth/logout", &session).await;
    assert_eq!(out.status, 204);
    assert!(
        out.header("set-cookie").starts_with("seogo_session=; "),
        "{}",
        out.header("set-cookie")
    );
    who(&session).await.refused(401, "unauthorized");

    let session = cookie(&login(&site, "kim", PASSWORD).await);
    site.clock.advance_ms(30 * 24 * 3600 * 1000);
    who(&session).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let settings = ApiSettings {
        login_attempts: 3,
        login_window: Duration::from_secs(60),
        ..ApiSettings::default()
    };
    let site = Site::with(settings, 1024).await;
    set_up(&site).await;
    for _ in 0..3 {
        login(&site, "kim", "wrong password")
            .await
            .refused(401, "invalid_credentials");
    }
    let refused = login(&site, "kim", PASSWORD).await;
    refused.refused(429, "too_many_attempts");
    assert_eq!(refused.header("retry-after"), "60");
    site.clock.advance_ms(60_000);
    assert_eq!(login(&site, "kim", PASSWORD).await.status, 204);
}

#[tokio::test]
async fn another_site_cannot_use_the_cookie() {
    let site = Site::new().await;
    let session = cookie(&set_up(&site).await);
    let logout = async |headers: &[(&str, &str)]| {
        let all = [
            &[("cookie", session.as_str()), ("host", "nas:8080")],
            headers,
        ]
        .concat();
        anonymous(&site, Method::POST, "/api/auth/logout", Value::Null, &all).await
    };
    logout(&[("origin", "https://evil.example")])
        .await
        .refused(403, "bad_origin");
    logout(&[("referer", "https://evil.example/x")])
        .await
        .refused(403, "bad_origin");
    assert_eq!(logout(&[("origin", "http://nas:8080")]).await.status, 204);

    let body = json!({"username": "kim", "password": PASSWORD});
    let headers = [("host", "nas:8080"), ("origin", "https://evil.example")];
    anonymous(&site, Method::POST, "/api/auth/login", body, &headers)
        .await
        .refused(403, "bad_origin");
}

#[tokio::test]
async fn everything_but_the_door_needs_a_sign_in() {
    let site = Site::new().await;
    let document = site
        .anonymous(Method::GET, "/api/openapi.json", Value::Null)
        .await
        .ok(200);
    let open = [
        "/health",
        "/ready",
        "/metrics",
        "/api/setup",
        "/api/auth/login",
    ];
    for (path, calls) in document["paths"].as_object().unwrap() {
        for method in calls.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = site
                .anonymous(method.clone(), &path.replace(['{', '}'], ""), json!({}))
                .await;
            if open.contains(&path.as_str()) {
                assert_ne!(answer.status, 401, "{method} {path}");
            } else {
                answer.refused(401, "unauthorized");
            }
        }
    }
}

#[tokio::test]
async fn api_tokens_open_until_they_are_taken_back() {
    let site = Site::new().await;
    site.clock.advance_ms(1000);
    site.post("/api/auth/tokens", json!({"name": " "}))
        .await
        .refused(400, "invalid_name");
    let made = site
        .post("/api/auth/tokens", json!({"name": "백업"}))
        .await
        .ok(201);
    let (token, id) = (
        made["token"].as_str().unwrap(),
        made["id"].as_str().unwrap(),
    );
    assert!(token.starts_with("seogo_") && token.len() == 70, "{token}");
    let bearer = format!("bearer {token}");
    let who = async || {
        let headers = [("authorization", bearer.as_str())];
        anonymous(
            &site,
            Method::GET,
            "/api/auth/session",
            Value::Null,
            &headers,
        )
        .await
    };
    assert_eq!(who().await.ok(200)["username"], "백업");

    let list = site.get("/api/auth/tokens").await.ok(200);
    assert_eq!(list[1]["name"], "백업");
    assert_eq!(list[1]["last_used_at"], START.plus_ms(1000).to_string());
    assert!(
        !list.to_string().contains(&token[6..]),
        "the secret is told once"
    );
    let path = format!("/api/auth/tokens/{id}");
    assert_eq!(
        site.send(Method::DELETE, &path, Value::Null).await.status,
        204
    );
    who().await.refused(401, "unauthorized");
    site.send(Method::DELETE, &path, Value::Null)
        .await
        .refused(404, "token_not_found");
    let wrong = [("authorization", "Bearer seogo_0")];
    anonymous(&site, Method::GET, "/api/status", Value::Null, &wrong)
        .await
        .refused(401, "unauthorized");
}

#[tokio::test]
async fn a_media_token_opens_one_document_for_one_purpose_for_an_hour() {
    let site = Site::new().await;
    let id = site.document("a.txt", b"one").await;
    let other = site.document("b.txt", b"two").await;
    let path = format!("/api/documents/{id}/media-token");
    site.post(&path, json!({"purpose": "delete"}))
        .await
        .refused(400, "invalid_body");
    site.post("/api/documents/x/media-token", json!({"purpose": "file"}))
        .await
        .refused(404, "document_not_found");
    let made = site.post(&path, json!({"purpose": "file"})).await.ok(200);
    assert_eq!(made["expires_at"], START.plus_ms(3_600_000).to_string());
    let token = made["token"].as_str().unwrap();

    let open = async |what: &str, id: &str| {
        site.anonymous(
            Method::GET,
            &format!("/api/documents/{id}/{what}?token={token}"),
            Value::Null,
        )
        .await
    };
    assert_eq!(open("file", &id).await.text(), "one");
    open("file", &other).await.refused(401, "unauthorized");
    open("preview", &id).await.refused(401, "unauthorized");
    open("text", &id).await.refused(401, "unauthorized");
    open("thumbnail", &id).await.refused(401, "unauthorized");
    site.clock.advance_ms(3_600_000);
    open("file", &id).await.refused(401, "unauthorized");

    let made = site
        .post(&path, json!({"purpose": "preview"}))
        .await
        .ok(200);
    let token = made["token"].as_str().unwrap();
    let url = format!("/api/documents/{id}/preview?token={token}");
    assert_eq!(
        site.anonymous(Method::GET, &url, Value::Null).await.text(),
        "one"
    );
}

#[tokio::test]
async fn the_door_takes_no_large_bodies() {
    let site = Site::new().await;
    login(&site, "kim", &"x".repeat(100_000))
        .await
        .refused(413, "too_large");
    login(&site, &"x".repeat(1000), PASSWORD)
        .await
        .refused(401, "invalid_credentials");
    login(&site, "k\0im", PASSWORD)
        .await
        .refused(401, "invalid_credentials");
}
