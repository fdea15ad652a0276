//! The program's only source of randomness: a seeded stream for each purpose and place, so that a run repeats bit for bit.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What random numbers are for; streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Weights = 1,
    Split = 2,
    Sample = 3,
    Order = 4,
    Augmentation = 5,
    Demo = 6,
    Fold = 7,
    Search = 8,
    Deletion = 9,
    Shift = 10,
}

/// The stream of `seed` for `purpose` at `place`, such as `[epoch, sample]`. The same on every machine.
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, place: [u64; 2]) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (slot, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, place[0], place[1]]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}
