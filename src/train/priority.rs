//! Compute threads give way to the screen.

/// How nice compute threads are: enough for a key press to be answered while they use every core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lowers the calling thread's priority where the system can (Linux); elsewhere, and where it may not, nothing happens.
pub fn lower() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

/// Makes the process-wide pool of compute threads, `threads` of them at lower priority; 0 means one a core.
/// Only the first call counts.
pub fn start_compute_threads(threads: usize) {
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("compute-{index}"))
        .start_handler(|_| lower())
        .build_global();
}
