//! Notes what the program is built with, so that a run can say it.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let compiler = Command::new(variable("RUSTC")).arg("--version").output();
    let compiler = compiler.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    println!("cargo:rustc-env=XRAY_TUI_RUSTC={}", compiler.trim());
    println!("cargo:rustc-env=XRAY_TUI_TARGET={}", variable("TARGET"));
    println!("cargo:rustc-env=XRAY_TUI_PROFILE={}", variable("PROFILE"));
    println!("cargo:rustc-env=XRAY_TUI_TARGET_FEATURES={}", variable("CARGO_CFG_TARGET_FEATURE"));
}
