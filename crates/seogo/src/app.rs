//! What every command works with.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use model::{Clock, Random, SystemClock, SystemRandom};
use store::{Store, StoreOptions};

use crate::settings::Settings;

/// Settings, time and chance; opens the rest on request.
pub struct App {
    /// The settings in force.
    pub settings: Settings,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// The machine's randomness.
    pub random: Arc<dyn Random>,
}

impl App {
    /// An application with these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// Opens the archive's database, and makes an empty archive where there is none.
    ///
    /// # Errors
    /// Folders that cannot be made, a database that cannot be opened.
    pub async fn open(&self) -> Result<Store> {
        let data = &self.settings.data;
        data.create()
            .with_context(|| format!("the data folder {} cannot be made", data.root().display()))?;
        let url = self.settings.database_url.expose();
        Store::open(url, &StoreOptions::default())
            .await
            .context("the database cannot be opened")
    }

    /// Opens the database of an archive that must be there already.
    ///
    /// # Errors
    /// As [`App::open`], and when there is no archive: a command that only looks must not leave an empty one behind.
    pub async fn open_existing(&self) -> Result<Store> {
        if let Some(file) = self.settings.database_url.expose().strip_prefix("sqlite:")
            && !Path::new(file).exists()
        {
            bail!(
                "there is no archive in {} yet: start `seogo serve` once, or name the right folder with --data-dir",
                self.settings.data.root().display()
            );
        }
        self.open().await
    }
}
