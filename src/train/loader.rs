//! Batches made ahead of the training step by a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use crate::dataset::batch::{Batch, Source, training_batch};
use crate::error::{Error, Result};
use crate::train::priority;

/// Batches that wait, beside the one being trained and the one being made.
const AHEAD: usize = 2;

/// Cuts an epoch's images into batches of `size`. A single image left over joins the batch before it, since
/// batch normalisation cannot train on one value.
#[must_use]
pub fn cut(images: &[usize], size: usize) -> Vec<&[usize]> {
    let mut batches: Vec<&[usize]> = images.chunks(size.max(1)).collect();
    if batches.len() > 1 && batches.last().is_some_and(|last| last.len() == 1) {
        batches.pop();
        batches.pop();
        let start = batches.len() * size;
        batches.push(&images[start..]);
    }
    batches
}

/// Makes `batches` of `epoch` in order on a thread of `scope`; dropping the receiver ends it.
///
/// # Errors
/// `Io` where the thread cannot be started.
pub fn load<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    source: Source<'env>,
    batches: Vec<&'env [usize]>,
    epoch: usize,
) -> Result<Receiver<Result<Batch>>> {
    let (sender, receiver) = sync_channel(AHEAD);
    let work = move || {
        priority::lower();
        // A panic is logged; the trainer sees that no more batches come.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            for images in batches {
                if sender.send(training_batch(&source, images, epoch)).is_err() {
                    return;
                }
            }
        }));
        drop(sender);
    };
    std::thread::Builder::new()
        .name("loader".into())
        .spawn_scoped(scope, work)
        .map_err(|source| Error::io("start a thread for", "the loader", source))?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_single_image_left_over_joins_the_batch_before_it() {
        let images: Vec<usize> = (0..9).collect();
        let sizes: Vec<usize> = cut(&images, 4).iter().map(|b| b.len()).collect();
        assert_eq!(sizes, [4, 5]);
    }

    #[test]
    fn no_images_make_no_batches() {
        assert!(cut(&[], 4).is_empty());
    }

    proptest! {
        #[test]
        fn batches_hold_every_image_once_in_order(n in 0_usize..200, size in 2_usize..70) {
            let images: Vec<usize> = (0..n).collect();
            let batches = cut(&images, size);
            prop_assert_eq!(&batches.concat(), &images);
            prop_assert!(n == 1 || batches.iter().all(|b| b.len() >= 2 && b.len() <= size + 1));
        }
    }
}
