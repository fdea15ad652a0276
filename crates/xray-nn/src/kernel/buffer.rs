//! Memory for maps and scratch: straight from the system in large pages, and back to it when dropped.

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use memmap2::MmapMut;

use crate::simd::Block;

/// Blocks that may hold anything: the kernels write all of a result. Pages come into being when they are first written.
#[derive(Default)]
pub struct Buffer {
    memory: Option<MmapMut>,
    len: usize,
}

impl Buffer {
    pub fn new(len: usize) -> Self {
        let mut buffer = Self::default();
        buffer.resize(len);
        buffer
    }

    /// Makes it `len` blocks long; what it held is lost.
    pub fn resize(&mut self, len: usize) {
        if len > self.room() {
            // The old memory goes back before the new is asked for.
            self.memory = None;
            self.memory = Some(map(len * size_of::<Block>()));
        }
        self.len = len;
    }

    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(self)
    }

    /// Blocks that it has memory for.
    fn room(&self) -> usize {
        self.memory.as_ref().map_or(0, |memory| memory.len() / size_of::<Block>())
    }
}

/// Anonymous memory; as with a vector, the process ends where there is none left.
fn map(bytes: usize) -> MmapMut {
    let no_memory = |_| handle_alloc_error(Layout::array::<u8>(bytes).unwrap_or(Layout::new::<Block>()));
    let memory = MmapMut::map_anon(bytes).unwrap_or_else(no_memory);
    // Only a matter of speed: the kernels walk through many pages at once.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    memory
}

impl Deref for Buffer {
    type Target = [Block];

    fn deref(&self) -> &[Block] {
        self.memory.as_ref().map_or(&[], |memory| &bytemuck::cast_slice(memory)[..self.len])
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [Block] {
        self.memory.as_mut().map_or(&mut [], |memory| &mut bytemuck::cast_slice_mut(memory)[..self.len])
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks", self.len)
    }
}

/// The smallest buffer with room for `len` blocks, else the largest, which is to grow: so the many small ones stay small.
fn best(free: &mut Vec<Buffer>, len: usize) -> Buffer {
    let order = |buffer: &Buffer| {
        let room = buffer.room();
        (room < len, if room < len { usize::MAX - room } else { room })
    };
    let index = (0..free.len()).min_by_key(|index| order(&free[*index]));
    index.map_or_else(Buffer::default, |index| free.swap_remove(index))
}

/// Buffers that tasks borrow, as many as run at once.
#[derive(Debug, Default)]
pub struct Scratch(Mutex<Vec<Buffer>>);

impl Scratch {
    /// Calls `work` with `len` blocks that hold anything.
    pub fn with<R>(&self, len: usize, work: impl FnOnce(&mut [Block]) -> R) -> R {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = best(&mut free(), len);
        buffer.resize(len);
        let result = work(&mut buffer);
        free().push(buffer);
        result
    }
}
