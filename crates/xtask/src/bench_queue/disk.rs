//! What a durable write costs on the disk that the databases are on.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

const WRITES: u64 = 200;
const PAGE: u64 = 8192;

/// The disk under the databases.
#[derive(Clone, Debug)]
pub struct Disk {
    pub filesystem: String,
    /// Median of writing a page and fdatasync, in milliseconds.
    pub fdatasync_ms: f64,
}

/// Measures the disk of the folder; refuses one in memory, where durability costs nothing.
pub fn measure(folder: &Path) -> Result<Disk> {
    let filesystem = filesystem(folder)?;
    ensure!(
        filesystem != "tmpfs",
        "{} is in memory: set TMPDIR to a folder on a disk",
        folder.display()
    );
    Ok(Disk {
        filesystem,
        fdatasync_ms: fdatasync_ms(folder)?,
    })
}

fn filesystem(folder: &Path) -> Result<String> {
    let output = Command::new("stat")
        .args(["-f", "-c", "%T"])
        .arg(folder)
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn fdatasync_ms(folder: &Path) -> Result<f64> {
    let path = folder.join("fdatasync");
    let file = std::fs::File::create(&path)?;
    let page = vec![0x55; usize::try_from(PAGE)?];
    let mut times = Vec::new();
    for number in 0..WRITES {
        let start = Instant::now();
        file.write_all_at(&page, number * PAGE)?;
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    std::fs::remove_file(path)?;
    Ok(super::report::median(&times).unwrap_or(f64::NAN))
}
