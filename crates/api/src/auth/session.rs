//! Signed-in browsers.

use axum::http::{HeaderMap, HeaderValue, header};
use store::{Session, StoreError, Tx};

use super::secret::{hash_of, new_secret};
use crate::state::AppState;

/// Name of the cookie.
const COOKIE: &str = "seogo_session";

/// Begins a session and gives the cookie that carries it.
pub(crate) async fn begin(
    app: &AppState,
    tx: &mut Tx,
    user_id: &str,
    headers: &HeaderMap,
) -> Result<HeaderValue, StoreError> {
    let secret = new_secret(&*app.random);
    let now = app.now();
    let ttl_s = app.settings.session_ttl.as_secs();
    let ttl_ms = i64::try_from(ttl_s.saturating_mul(1000)).unwrap_or(i64::MAX);
    tx.insert_session(&Session {
        token_hash: hash_of(&secret),
        user_id: user_id.to_owned(),
        created_at: now,
        expires_at: now.plus_ms(ttl_ms),
    })
    .await?;
    Ok(cookie(&secret, ttl_s, headers))
}

/// A cookie that takes the session's away.
pub(crate) fn end_cookie(headers: &HeaderMap) -> HeaderValue {
    cookie("", 0, headers)
}

/// Hash of the session secret that the request carries.
pub(crate) fn hash_in(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, secret)| hash_of(secret))
}

fn cookie(secret: &str, max_age_s: u64, headers: &HeaderMap) -> HeaderValue {
    // A proxy that speaks TLS says so; a cookie set over TLS must not go out without it.
    let tls = headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https");
    let secure = if tls { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={secret}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age_s}{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(hash_in(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; b=2"));
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("theme=dark; seogo_session=abc"),
        );
        assert_eq!(hash_in(&headers), Some(hash_of("abc")));
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let mut headers = HeaderMap::new();
        let plain = cookie("abc", 60, &headers);
        assert_eq!(
            plain,
            "seogo_session=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
        );
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        let tls = cookie("abc", 60, &headers);
        assert!(tls.to_str().unwrap().ends_with("; Secure"));
    }
}
