//! One thread that starts every child and lives as long as Seogo.
//!
//! The kernel's "kill me when my parent dies" is bound to the *thread* that forked. A runtime's threads come and go (a worker
//! that blocks is replaced, and its old thread ends), which would kill children at random; this thread never ends.

use std::io;
use std::sync::{Mutex, PoisonError, mpsc};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Request {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

static SPAWNER: Mutex<Option<mpsc::Sender<Request>>> = Mutex::new(None);

/// Starts the command from the lasting thread.
pub(crate) async fn spawn(command: Command) -> io::Result<Child> {
    let (reply, answer) = oneshot::channel();
    let request = Request {
        command,
        runtime: Handle::current(),
        reply,
    };
    sender()?
        .send(request)
        .map_err(|_| io::Error::other("the spawner thread has ended"))?;
    answer
        .await
        .map_err(|_| io::Error::other("the spawner thread gave no answer"))?
}

fn sender() -> io::Result<mpsc::Sender<Request>> {
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = spawner.as_ref() {
        return Ok(sender.clone());
    }
    let (sender, requests) = mpsc::channel();
    std::thread::Builder::new()
        .name("spawner".into())
        .spawn(move || serve(&requests))?;
    *spawner = Some(sender.clone());
    Ok(sender)
}

fn serve(requests: &mpsc::Receiver<Request>) {
    while let Ok(mut request) = requests.recv() {
        let _runtime = request.runtime.enter();
        // When nobody waits for the answer any more, the child is dropped here, which kills it.
        let _ = request.reply.send(request.command.spawn());
    }
}
