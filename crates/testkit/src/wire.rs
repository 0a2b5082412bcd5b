//! A network cable to a PostgreSQL server that tests can cut.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy in front of a server. It lives as long as the runtime that made it.
#[derive(Debug)]
pub struct Wire {
    url: String,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// Connections are ended, new ones at once.
    Cut,
    /// Connections stay, and nothing comes through them.
    Dead,
}

impl Wire {
    /// A whole wire to the server of `url`.
    ///
    /// # Panics
    /// When there is no free port, or `url` has no address.
    pub async fn to(url: &str) -> Self {
        let (server, name) = url.rsplit_once('/').expect("a URL with a name");
        let (user, address) = server.rsplit_once('@').expect("a URL with a user");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own: SocketAddr = listener.local_addr().expect("an address");
        let (state, _) = watch::channel(State::Whole);
        tokio::spawn(serve(listener, address.to_owned(), state.clone()));
        Self {
            url: format!("{user}@{own}/{name}"),
            state,
        }
    }

    /// The server's address through the wire.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends every connection and lets none through: both ends notice.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Lets nothing through any more and says so to nobody, as a firewall does that forgot its connections.
    pub fn die(&self) {
        self.state.send_replace(State::Dead);
    }

    /// New connections go through again; those from before are ended.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

async fn serve(listener: TcpListener, address: String, state: watch::Sender<State>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, address.clone(), state.subscribe()));
    }
}

async fn carry(mut client: TcpStream, address: String, mut state: watch::Receiver<State>) {
    let server = if *state.borrow() == State::Whole {
        TcpStream::connect(address).await.ok()
    } else {
        None
    };
    if let Some(mut server) = server {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
            _ = state.wait_for(|state| *state != State::Whole) => {}
        }
        // Both ends are held: while the wire is dead, neither notices.
        let _ = state.wait_for(|state| *state != State::Dead).await;
    } else {
        let _ = state.wait_for(|state| *state != State::Dead).await;
    }
}
