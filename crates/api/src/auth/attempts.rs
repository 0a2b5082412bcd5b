//! Failed sign-ins, per user name and address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use model::Timestamp;

use crate::state::ApiSettings;

/// Names and addresses remembered at once; past that the ended ones are forgotten, and then all.
const REMEMBERED: usize = 10_000;

type Key = (String, Option<IpAddr>);

/// Counts sign-ins that have not succeeded. In memory: a restart forgives.
#[derive(Debug, Default)]
pub(crate) struct LoginAttempts(Mutex<HashMap<Key, Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    count: u32,
}

impl LoginAttempts {
    /// Counts an attempt before its password is looked at, so that many at once count too.
    ///
    /// # Errors
    /// There were too many; says after how many seconds the next one is heard.
    pub fn begin(&self, key: &Key, settings: &ApiSettings, now: Timestamp) -> Result<(), u64> {
        let window_ms = i64::try_from(settings.login_window.as_millis()).unwrap_or(i64::MAX);
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut windows, window_ms, now);
        let window = windows.entry(key.clone()).or_insert(Window {
            began: now,
            count: 0,
        });
        let age = now.ms_since(window.began);
        if age >= window_ms {
            *window = Window {
                began: now,
                count: 0,
            };
        } else if window.count >= settings.login_attempts {
            return Err(u64::try_from(window_ms - age).unwrap_or(0).div_ceil(1000));
        }
        window.count += 1;
        Ok(())
    }

    /// The person was the right one.
    pub fn succeeded(&self, key: &Key) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.remove(key);
    }
}

fn make_room(windows: &mut HashMap<Key, Window>, window_ms: i64, now: Timestamp) {
    if windows.len() >= REMEMBERED {
        windows.retain(|_, window| now.ms_since(window.began) < window_ms);
    }
    if windows.len() >= REMEMBERED {
        windows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_failures_are_refused_until_the_window_is_over() {
        let attempts = LoginAttempts::default();
        let settings = ApiSettings::default();
        let key = ("kim".to_owned(), None);
        let start = Timestamp(0);
        for _ in 0..settings.login_attempts {
            attempts.begin(&key, &settings, start).unwrap();
        }
        assert_eq!(
            attempts.begin(&key, &settings, start.plus_ms(1000)),
            Err(299)
        );
        let other = ("lee".to_owned(), None);
        assert!(attempts.begin(&other, &settings, start).is_ok());
        let later = start.plus_ms(5 * 60 * 1000);
        assert!(attempts.begin(&key, &settings, later).is_ok());
    }

    #[test]
    fn success_forgives() {
        let attempts = LoginAttempts::default();
        let settings = ApiSettings {
            login_attempts: 1,
            ..ApiSettings::default()
        };
        let key = ("kim".to_owned(), None);
        attempts.begin(&key, &settings, Timestamp(0)).unwrap();
        assert!(attempts.begin(&key, &settings, Timestamp(0)).is_err());
        attempts.succeeded(&key);
        assert!(attempts.begin(&key, &settings, Timestamp(0)).is_ok());
    }

    #[test]
    fn the_memory_is_bounded() {
        let attempts = LoginAttempts::default();
        let settings = ApiSettings::default();
        for n in 0..REMEMBERED + 5 {
            let key = (n.to_string(), None);
            attempts.begin(&key, &settings, Timestamp(0)).unwrap();
        }
        assert!(attempts.0.lock().unwrap().len() <= REMEMBERED);
    }
}
