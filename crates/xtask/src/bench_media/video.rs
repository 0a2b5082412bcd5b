//! The film: 1080p H.264 with a key frame every 70 s, as screen recorders and some cameras write it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

/// Seconds of one group of pictures, and how often it is repeated: ten and a half minutes.
const GROUP_S: u32 = 70;
const GROUPS: u32 = 9;
/// Pictures a second.
const RATE: u32 = 30;

/// Makes the film in the folder.
pub fn make(folder: &Path) -> Result<PathBuf> {
    eprintln!("making the film");
    let (group, film) = (folder.join("group.mp4"), folder.join("film.mp4"));
    let source = format!("testsrc2=size=1920x1080:rate={RATE}:duration={GROUP_S}");
    let every = (GROUP_S * RATE).to_string();
    ffmpeg(
        Command::new("ffmpeg")
            .args(["-f", "lavfi", "-i", &source])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-pix_fmt",
                "yuv420p",
                "-g",
                &every,
                "-keyint_min",
                &every,
                "-sc_threshold",
                "0",
            ]),
        &group,
    )?;
    let again = (GROUPS - 1).to_string();
    ffmpeg(
        Command::new("ffmpeg")
            .args(["-stream_loop", &again, "-i"])
            .arg(&group)
            .args(["-c", "copy", "-movflags", "+faststart"]),
        &film,
    )?;
    Ok(film)
}

fn ffmpeg(command: &mut Command, out: &Path) -> Result<()> {
    let status = command.args(["-v", "error", "-y"]).arg(out).status()?;
    ensure!(status.success(), "ffmpeg failed: {status}");
    Ok(())
}
