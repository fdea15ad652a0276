//! xray-tui: a terminal workbench for pneumonia detection on chest X-rays. Research use only, not for clinical use.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod dataset;
pub mod error;
pub mod interop;
pub mod metrics;
pub mod picture;
pub mod pipeline;
pub mod predict;
pub mod report;
pub mod session;
pub mod store;
pub mod terminal;
pub mod train;
pub mod tui;
pub mod ui;
pub mod units;
mod words;
