//! Parts of the trunk that keep their weights.

#[cfg(test)]
mod tests;

use std::sync::PoisonError;

use super::{Network, TrainedBy};
use crate::{Error, Result, arch};

impl Network {
    /// Makes the first `parts` of the trunk constants: 0 none, 1 the stem (`conv1`, `bn1`), 2 to 5 also `layer1` to
    /// `layer4`. Their number can go up and down between steps; it is no part of [`Network::state`].
    ///
    /// A frozen part is a fixed function: its batch norms go by their running statistics, as in evaluation, and leave them
    /// where they are. Its gradients are exactly zero, the backward pass ends above it, and [`Adam`](crate::Adam) touches
    /// neither its weights (weight decay included) nor their moments. Other parts' gradients are those of a network with
    /// this fixed function, so not those that they would have if it were normalised by the batch.
    ///
    /// An [`Adam`](crate::Adam) that has stepped for long corrects no more for moments that begin at zero: of parts that were
    /// frozen until then, its first steps are up to six times as long as its rate. Go on with a new one, or from a low rate.
    ///
    /// A pass in flight is dropped: run it again.
    ///
    /// # Errors
    /// If there are no so many parts ([`arch::PARTS`]), or a pass is under way.
    pub fn freeze(&mut self, parts: usize) -> Result<()> {
        if parts > arch::PARTS {
            return Err(Error::TooManyParts { parts });
        }
        match &self.trunk {
            TrainedBy::Fast(trunk) => trunk.forget()?,
            TrainedBy::Plain(leaves) => leaves.lock().unwrap_or_else(PoisonError::into_inner).clear(),
        }
        self.frozen = parts;
        Ok(())
    }

    /// How many parts are frozen, 0 to [`arch::PARTS`].
    pub fn frozen(&self) -> usize {
        self.frozen
    }
}
