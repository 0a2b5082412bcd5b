//! Seogo and nginx on the same film.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::client::Target;

const PATIENCE: Duration = Duration::from_secs(30);
const BINARY: &str = "target/release/seogo";

/// A server that runs.
pub struct Server {
    pub target: Target,
    child: Child,
}

impl Server {
    /// The most memory that its processes ever held, in MiB.
    pub fn memory_mib(&self) -> Result<u64> {
        let leader = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{leader}/task/{leader}/children"))?;
        let all = children
            .split_whitespace()
            .map(str::to_owned)
            .chain([leader.to_string()]);
        Ok(all.filter_map(|pid| most_kib(&pid)).sum::<u64>() / 1024)
    }

    /// Ends it.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

fn most_kib(pid: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Builds Seogo.
pub fn build() -> Result<PathBuf> {
    let status = Command::new("make").arg("build").status()?;
    ensure!(status.success(), "make build failed: {status}");
    Ok(std::path::absolute(BINARY)?)
}

/// Seogo with the film as its only document.
pub fn seogo(binary: &Path, folder: &Path, film: &Path) -> Result<Server> {
    let (data, address) = (folder.join("data"), free()?);
    let seogo = |words: &[&str]| {
        let mut command = Command::new(binary);
        command
            .env("SEOGO_DATA_DIR", &data)
            .env("SEOGO_LISTEN", address.to_string())
            .args(words);
        command
    };
    let added = text(seogo(&["ingest", "--json"]).arg(film))?;
    let added: Value = serde_json::from_str(&added)?;
    let id = added[0]["document_id"].as_str().context("no document")?;
    let token = text(&mut seogo(&["token", "create", "bench"]))?;
    let token = token.split_whitespace().next_back().context("no token")?;
    let child = seogo(&["serve"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server = Server {
        target: Target {
            address,
            path: format!("/api/documents/{id}/file"),
            header: format!("Authorization: Bearer {token}\r\n"),
            size: film.metadata()?.len(),
        },
        child,
    };
    wait_for(address)?;
    Ok(server)
}

/// nginx as Debian sets it up: `sendfile`, a process for each processor.
pub fn nginx(folder: &Path, film: &Path) -> Result<Server> {
    let address = free()?;
    let root = film.parent().context("the film has no folder")?;
    let configuration = format!(
        "daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n\
         events {{ worker_connections 768; }}\n\
         http {{ sendfile on; tcp_nopush on; access_log off; default_type video/mp4; keepalive_requests 1000000;\n\
         client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
         server {{ listen {address}; root {root}; }} }}\n",
        folder = folder.display(),
        root = root.display()
    );
    // Its workers give up root's rights, and the folder is its owner's alone.
    let configuration = format!("user root;\n{configuration}");
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration)?;
    let child = Command::new("/usr/sbin/nginx").arg("-c").arg(&file).spawn();
    let child = child.context("nginx is not there: apt-get install nginx-light")?;
    let name = film
        .file_name()
        .context("the film has no name")?
        .to_string_lossy();
    let server = Server {
        target: Target {
            address,
            path: format!("/{name}"),
            header: String::new(),
            size: film.metadata()?.len(),
        },
        child,
    };
    wait_for(address)?;
    Ok(server)
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn text(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn wait_for(address: SocketAddr) -> Result<()> {
    let step = Duration::from_millis(50);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        thread::sleep(step);
    }
    bail!("nothing answers at {address}")
}
