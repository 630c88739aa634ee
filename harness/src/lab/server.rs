//! The Temporal server of one lab, and how faults take hold of it if it is the lab's own.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::errands::{Done, Errands};
use super::opened::{LabError, Site};
use super::temporal::OwnServer;
use super::workload::Client;
use crate::fault::ServerFault;
use crate::journal::{Effect, Event, Journal, ServerState};
use crate::scenario::Resolved;

/// The Temporal server of one lab.
pub(super) struct Frontend {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// A connection to it.
    pub(super) client: Client,
    /// The server, if it is the lab's own.
    pub(super) server: Option<OwnServer>,
}

impl Frontend {
    /// The site's, or one of the lab's own that may be hurt and keeps its data among `files`.
    pub(super) async fn of(site: &Site, resolved: &Resolved, files: &Path) -> Result<Self, LabError> {
        if !resolved.hurts_server() {
            return Ok(Self { address: site.temporal, client: site.client.clone(), server: None });
        }
        let Some(servers) = &site.servers else {
            let what = "a scenario that hurts the Temporal server".to_owned();
            return Err(LabError::Unserved { what, why: "none was started that is its own".to_owned() });
        };
        let server = servers.start(files).await?;
        let address = server.address();
        let client = Client::connect(&address.to_string(), &site.namespace, Journal::in_memory()).await?;
        Ok(Self { address, client: client.patient(), server: Some(server) })
    }
}

/// Has faults of the server carried out, one after the other. Clones share it.
#[derive(Clone)]
pub(super) struct ServerHand(Errands<ServerFault>);

impl ServerHand {
    /// One, and what carries out what it is asked for; without a server of the scenario's own, nothing is.
    pub(super) fn new(server: Option<OwnServer>, journal: Journal) -> (Self, impl Future<Output = ()> + Send) {
        let (asked, mut asking) = Errands::<ServerFault>::new();
        let work = async move {
            let Some(server) = server else { return };
            let mut hurt = Hurt { server, journal, pauses: 0 };
            while let Some((fault, done)) = asking.recv().await {
                hurt.carry_out(fault, done).await;
            }
        };
        (Self(asked), work)
    }

    /// Asks for a fault. The effect is that the server is hurt, not that it is well again.
    pub(super) fn ask(&self, fault: ServerFault) -> Effect {
        self.0.ask(fault)
    }
}

struct Hurt {
    server: OwnServer,
    journal: Journal,
    /// How many pauses stand: it goes on when all are undone.
    pauses: u32,
}

impl Hurt {
    async fn carry_out(&mut self, fault: ServerFault, done: Done) {
        match fault {
            ServerFault::Pause => {
                self.pauses += 1;
                if self.server.pause().await {
                    self.say(ServerState::Paused, None);
                }
            }
            ServerFault::Resume => {
                self.pauses = self.pauses.saturating_sub(1);
                if self.pauses == 0 && self.server.resume().await {
                    self.say(ServerState::Resumed, None);
                }
            }
            ServerFault::Restart { down } => {
                if self.server.end().await {
                    return self.come_back(down, done).await;
                }
            }
            ServerFault::Kill { down } => {
                if self.server.kill().await {
                    return self.come_back(down, done).await;
                }
            }
        }
        // Nobody need wait.
        let _ = done.send(());
    }

    /// Starts the server again that is gone now. Who waits goes on before: to meet no server is the fault.
    async fn come_back(&mut self, down: Duration, done: Done) {
        self.say(ServerState::Gone, None);
        let _ = done.send(());
        tokio::time::sleep(down).await;
        match self.server.start_again().await {
            Ok(()) => {
                // As one that has never been stopped.
                self.pauses = 0;
                self.say(ServerState::Back, None);
            }
            Err(error) => self.say(ServerState::Lost, Some(error.to_string())),
        }
    }

    fn say(&self, state: ServerState, reason: Option<String>) {
        let recorded = self.journal.record(Event::TemporalServer { state, reason });
        // What it triggers may hurt the server once more, which has to wait for this.
        tokio::spawn(recorded.settled());
    }
}
