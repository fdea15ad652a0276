//! Memory goes back to the system when a network is dropped. A process of its own, so that nothing else allocates.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use candle_nn::loss::cross_entropy;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use xray_nn::{Adam, Engine, Network};

/// Bytes that the process holds.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse::<usize>().unwrap() * 1024
}

fn train(images: usize, side: usize) -> usize {
    let network = Network::new(2, &mut ChaCha8Rng::seed_from_u64(1), &Engine::best()).unwrap();
    let mut adam = Adam::new(network.parameters(), 1e-3);
    let batch = Tensor::ones((images, 3, side, side), DType::F32, &Device::Cpu).unwrap();
    let labels = Tensor::zeros(images, DType::U32, &Device::Cpu).unwrap();
    for _ in 0..2 {
        let loss = cross_entropy(&network.forward(&batch).unwrap(), &labels).unwrap();
        adam.step(&network.backward(&loss).unwrap()).unwrap();
    }
    network.inference().unwrap().forward(&batch).unwrap();
    resident()
}

#[test]
fn a_run_that_ended_gives_its_memory_back() {
    const MEGABYTE: usize = 1 << 20;
    train(2, 32);
    let before = resident();
    let most = train(8, 224);
    let after = resident();
    assert!(most > before + 200 * MEGABYTE, "{most} at work, {before} before: nothing was measured");
    assert!(after < before + 100 * MEGABYTE, "{} MB kept", (after - before) / MEGABYTE);
}
