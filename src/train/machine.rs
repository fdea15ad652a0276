//! What this program computes on: processor, instruction set, threads, memory.

/// The vector instructions that the kernels here run on: `avx2` or `portable`.
///
/// candle's gemm takes AVX2 with FMA where the processor has both. Its AVX-512 kernels are behind a feature that
/// candle leaves off, and nothing can force one or the other.
#[must_use]
pub fn instruction_set() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        return "avx2";
    }
    "portable"
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

/// The most memory in bytes that this process has held at once so far, where the system tells it (Linux).
#[must_use]
pub fn peak_bytes() -> Option<u64> {
    kilobytes(field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM")?)
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

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_the_peak() {
        assert!(peak_bytes().unwrap() > 1_000_000);
    }
}
