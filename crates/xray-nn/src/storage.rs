//! The values of a tensor where they lie.

use candle_core::{CpuStorage, Layout, Result, Storage, bail};

/// The values of a contiguous f32 tensor on the CPU, given its `storage_and_layout`.
///
/// # Errors
/// If it is on another device, of another type, or not contiguous.
pub(crate) fn values<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => cpu_values(storage, layout),
        _ => bail!("the fast engine computes on the CPU: move the tensor there, or use the plain engine"),
    }
}

/// The same, inside an operation of candle's.
pub(crate) fn cpu_values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the values must be contiguous, not {layout:?}"),
    }
}
