//! A fresh PostgreSQL database for each test.

use std::process::Command;

use model::{SystemClock, SystemRandom};

/// Where `cargo xtask with-postgres` says how to reach the server it started.
const URL_VARIABLE: &str = "SEOGO_TEST_POSTGRES_URL";

/// An empty database on the test server; dropped with the value.
#[derive(Debug)]
pub struct TestPostgres {
    admin_url: String,
    name: String,
}

impl TestPostgres {
    /// Makes a database of its own for the calling test.
    ///
    /// # Panics
    /// When there is no test server. That is a failure of the set-up and never a reason to skip the test.
    pub fn create() -> Self {
        let admin_url = std::env::var(URL_VARIABLE).unwrap_or_else(|_| {
            panic!(
                "{URL_VARIABLE} is not set, so there is no PostgreSQL to test on. Run `make test`, or put \
                 `cargo xtask with-postgres -- ` in front of your command (cargo xtask with-postgres -- cargo nextest run)."
            )
        });
        let unique = model::new_uuid(&SystemClock, &SystemRandom).replace('-', "");
        let database = Self {
            admin_url,
            name: format!("seogo_test_{unique}"),
        };
        database.admin(&format!("CREATE DATABASE {}", database.name));
        database
    }

    /// The database's address, `postgres://…`.
    pub fn url(&self) -> String {
        let (server, _) = self
            .admin_url
            .rsplit_once('/')
            .expect("the address of the test server ends in /DATABASE");
        format!("{server}/{}", self.name)
    }

    /// Runs one statement on the server through psql: this crate does not know SQL either.
    fn admin(&self, statement: &str) {
        let output = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"])
            .args(["--command", statement, &self.admin_url])
            .output()
            .expect("psql is installed (apt-get install postgresql)");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statement}: {complaint}");
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        // A second panic while a failed test unwinds would abort and hide the first.
        if !std::thread::panicking() {
            self.admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_is_its_own_and_goes_with_its_value() {
        let (a, b) = (TestPostgres::create(), TestPostgres::create());
        assert_ne!(a.url(), b.url());
        let url = a.url();
        drop(a);
        let output = Command::new("psql")
            .args(["--command", "SELECT 1", &url])
            .output()
            .unwrap();
        assert!(!output.status.success(), "{url} is still there");
    }
}
