//! Outside systems, one file each: they are told of runs by reading the store, never by the run itself.

pub mod airflow;
pub mod http;
