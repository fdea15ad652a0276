//! What this program computes on: processor, instruction set, threads, memory.

use std::sync::OnceLock;

use xray_nn::Isa;

use super::EngineKind;
use crate::error::{Error, Result};

/// The instructions that the kernels use in this process, once they are settled.
static ISA: OnceLock<Isa> = OnceLock::new();

/// Settles which instructions the kernels use: `avx512`, `avx2` or `portable`.
///
/// # Errors
/// `BadSetting` where this processor does not have them (it names those that it has), or where others are in use.
pub fn choose_isa(name: &str) -> Result<()> {
    let missing = || {
        let here = available_isas().join(", ");
        let problem = format!("this processor has no {name}: leave the flag out, or choose from {here}");
        Error::BadSetting { setting: "isa", problem }
    };
    let isa = Isa::named(name).ok_or_else(missing)?;
    if *ISA.get_or_init(|| isa) == isa {
        return Ok(());
    }
    let problem = format!("{} is in use already: name another at the start", self::isa().name());
    Err(Error::BadSetting { setting: "isa", problem })
}

/// The instructions that the kernels use: those chosen, else the best that this processor has.
#[must_use]
pub fn isa() -> Isa {
    *ISA.get_or_init(Isa::best)
}

/// The names of the instruction sets that this processor has and the kernels know, the fastest first.
#[must_use]
pub fn available_isas() -> Vec<&'static str> {
    Isa::available().into_iter().map(Isa::name).collect()
}

/// Threads that compute.
#[must_use]
pub fn compute_threads() -> usize {
    rayon::current_num_threads()
}

/// The processor's name, where the system tells it (Linux).
#[must_use]
pub fn processor() -> Option<String> {
    field(&std::fs::read_to_string("/proc/cpuinfo").ok()?, "model name").map(str::to_owned)
}

/// What the processor says it can, of what matters to floating point, where the system tells it (Linux on x86-64).
#[must_use]
pub fn processor_features() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let matters = |flag: &&str| ["sse", "ssse", "avx", "fma", "f16c", "amx"].iter().any(|kind| flag.starts_with(kind));
    let mut flags: Vec<String> =
        field(&text, "flags").unwrap_or_default().split(' ').filter(matters).map(str::to_owned).collect();
    flags.sort_unstable();
    flags
}

/// The machine's memory in bytes, where the system tells it (Linux).
#[must_use]
pub fn memory_bytes() -> Option<u64> {
    kilobytes(field(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal")?)
}

/// The operating system and its version: `Linux 6.1.0 x86_64`.
#[must_use]
pub fn system() -> String {
    let name = rustix::system::uname();
    [name.sysname(), name.release(), name.machine()].map(|part| part.to_string_lossy().into_owned()).join(" ")
}

/// The memory in bytes that this process holds now, where the system tells it (Linux).
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    kilobytes(field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS")?)
}

/// The most memory in bytes that this process has held at once so far, where the system tells it (Linux).
#[must_use]
pub fn peak_bytes() -> Option<u64> {
    kilobytes(field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM")?)
}

/// What is wrong where memory has no room for training on batches of so many images of `side` x `side` pixels: better
/// said than to have the system end the program for it.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "for reading")]
pub fn lack_of_memory(engine: EngineKind, images: usize, side: usize) -> Option<String> {
    let needed = xray_nn::training_bytes(&engine.here(), images, side) as u64;
    let free = available_bytes().filter(|free| needed > *free)?;
    Some(format!(
        "training on {images} images of {side} x {side} pixels at once takes about {:.1} GB of memory, and {:.1} are free",
        needed as f64 / 1e9,
        free as f64 / 1e9
    ))
}

/// Whether the machine, or what its container may take, has the memory for a batch when nothing else runs; so it is taken
/// to where the system does not tell it.
#[must_use]
pub fn is_large_enough(engine: EngineKind, images: usize, side: usize) -> bool {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|facts| kilobytes(field(&facts, "MemTotal")?));
    let container = read("/sys/fs/cgroup/memory.max").and_then(|limit| limit.trim().parse().ok());
    let needed = xray_nn::training_bytes(&engine.here(), images, side) as u64;
    [machine, container].into_iter().flatten().all(|all: u64| needed <= all)
}

/// Memory in bytes that is free for new uses, where the system tells it (Linux): the machine's, what its container may
/// still take, or what this process may.
#[must_use]
pub fn available_bytes() -> Option<u64> {
    let machine = kilobytes(field(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")?)?;
    [Some(machine), container_bytes(), process_bytes()].into_iter().flatten().min()
}

/// What the limit of this process's address space (`ulimit -v`) leaves; `None` without a limit.
fn process_bytes() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    let used = kilobytes(field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmSize")?)?;
    Some(limit.saturating_sub(used))
}

/// What the container's limit leaves, counting what the system can take back from cached files; `None` without a limit.
fn container_bytes() -> Option<u64> {
    let read = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    left(&read("memory.max")?, &read("memory.current")?, &read("memory.stat")?)
}

fn left(limit: &str, used: &str, statistics: &str) -> Option<u64> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let cached = statistics.lines().find_map(|line| number(line.strip_prefix("inactive_file ")?)).unwrap_or(0);
    Some(number(limit)?.saturating_sub(number(used)?.saturating_sub(cached)))
}

/// Gives freed memory back to the system: to be called when much was freed, as when a run ends.
pub fn give_memory_back() {
    xray_nn::give_back();
}

/// The first value of `name` in lines of `name: value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

/// Bytes of `1234 kB`, which are kibibytes.
fn kilobytes(value: &str) -> Option<u64> {
    value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_names_them_all() {
        let text = "processor\t: 0\nmodel name\t: One: the first\nprocessor\t: 1\nmodel name\t: Two\n";
        assert_eq!(field(text, "model name"), Some("One: the first"));
        assert_eq!(field(text, "model"), None);
    }

    #[test]
    fn the_peak_is_given_in_kibibytes() {
        assert_eq!(kilobytes("  2048 kB".trim()), Some(2 * 1024 * 1024));
        assert_eq!([kilobytes("2048"), kilobytes("many kB"), kilobytes(&format!("{} kB", u64::MAX))], [None; 3]);
    }

    #[test]
    fn a_container_leaves_its_limit_less_what_is_used_but_for_cached_files() {
        let statistics = "anon 500\nfile 400\ninactive_file 300\n";
        assert_eq!(left("1000\n", "900\n", statistics), Some(400));
        assert_eq!(left("max\n", "900\n", statistics), None);
        assert_eq!(left("1000\n", "2000\n", ""), Some(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_what_is_free() {
        assert!(available_bytes().unwrap() > 1_000_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_what_is_held_and_the_peak() {
        assert!(peak_bytes().unwrap() > 1_000_000);
        assert!(resident_bytes().unwrap() > 1_000_000);
    }
}
