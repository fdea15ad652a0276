//! xray-tui: a terminal workbench for pneumonia detection on chest X-rays. Research use only, not for clinical use.

#![forbid(unsafe_code)]

pub mod app;
pub mod dataset;
pub mod error;
pub mod metrics;
pub mod store;
pub mod train;
