//! The `xray-tui` program.

#![forbid(unsafe_code)]

fn main() {}
