//! MLflow: runs are sent to a tracking server, followed there while they train, brought back, and written as a folder.
//!
//! What a run is there is a pure function of its rows. What is sent is what the server does not have: whoever
//! sends asks it once, by the run's id in a tag, and remembers the answer as long as nobody else sends. Points of a metric
//! go out in the order of their steps, and those up to the last step that the server has never again. So nothing is
//! there twice, whoever died in between; and of a run that was resumed, the steps that it took a second time (they give
//! the same figures) are there as they were the first time.

mod clock;
mod explain;
mod export;
mod files;
mod foreign;
mod login;
mod material;
mod mirror;
mod plan;
mod pull;
mod push;
mod registry;
mod remote;
mod server;

pub use export::{Exported, ExportedRun, export};
pub use files::{CHECKPOINT, RECORD};
pub use mirror::{Following, Tell};
pub use pull::{Pulled, pull, remote_ids};
pub use push::{Pusher, Sent};
pub use registry::{CHAMPION, Registered, register};
pub use server::Server;

/// A server and the experiment there that runs belong to.
#[derive(Debug, Clone)]
pub struct Target {
    pub server: Server,
    /// The experiment's name.
    pub experiment: String,
}

impl Target {
    /// As the store knows it.
    fn key(&self) -> (&str, &str) {
        (self.server.base(), &self.experiment)
    }
}
