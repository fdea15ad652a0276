//! How the UI thread sleeps: until the terminal has input, a worker has a message, or a signal came.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::app::message::Message;

/// Sends messages to the UI thread and wakes it; clones send to the same thread.
#[derive(Debug, Clone)]
pub struct Outbox {
    sender: Sender<Message>,
    bell: Arc<OwnedFd>,
}

impl Outbox {
    /// A message after the thread has gone is lost, and so it should be.
    pub fn send(&self, message: Message) {
        let _ = self.sender.send(message);
        // A full pipe wakes the thread already.
        let _ = rustix::io::write(&self.bell, &[0]);
    }
}

/// The sleeping side of a pipe into which workers and signals write a byte.
#[derive(Debug)]
pub struct Wake {
    pipe: OwnedFd,
    bell: Arc<OwnedFd>,
}

/// What ended the sleep beside messages and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    Up,
    /// The terminal is gone.
    HungUp,
}

impl Wake {
    /// # Errors
    /// If the system has no pipe left.
    pub fn new() -> io::Result<Self> {
        let (pipe, bell) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        for end in [&pipe, &bell] {
            rustix::io::ioctl_fionbio(end, true)?;
        }
        Ok(Self { pipe, bell: Arc::new(bell) })
    }

    pub fn outbox(&self, sender: Sender<Message>) -> Outbox {
        Outbox { sender, bell: Arc::clone(&self.bell) }
    }

    /// Makes these signals end the sleep.
    ///
    /// # Errors
    /// If one of them can't be caught.
    pub fn on_signals(&self, signals: &[i32]) -> io::Result<()> {
        for signal in signals {
            signal_hook::low_level::pipe::register(*signal, self.bell.try_clone()?)?;
        }
        Ok(())
    }

    /// Sleeps at most so long; without a limit, until something happens.
    ///
    /// # Errors
    /// If the terminal can't be waited for.
    pub fn sleep(&self, at_most: Option<Duration>) -> io::Result<Woken> {
        let stdin = io::stdin();
        let mut watched =
            [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN), PollFd::new(&self.pipe, PollFlags::IN)];
        let limit = at_most.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut watched, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let gone = watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        let mut bytes = [0; 256];
        while rustix::io::read(&self.pipe, &mut bytes).is_ok_and(|read| read == bytes.len()) {}
        Ok(if gone { Woken::HungUp } else { Woken::Up })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_the_sleep() {
        let wake = Wake::new().unwrap();
        let (sender, inbox) = std::sync::mpsc::channel();
        wake.outbox(sender).send(Message::Terminate);
        wake.sleep(None).unwrap();
        assert!(matches!(inbox.try_recv(), Ok(Message::Terminate)));
    }

    #[test]
    fn more_messages_than_the_pipe_holds_block_nobody() {
        let wake = Wake::new().unwrap();
        let (sender, inbox) = std::sync::mpsc::channel();
        let outbox = wake.outbox(sender);
        for _ in 0..100_000 {
            outbox.send(Message::Resize);
        }
        wake.sleep(None).unwrap();
        assert_eq!(inbox.try_iter().count(), 100_000);
    }
}
