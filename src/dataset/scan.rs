//! Placeholder.

use std::path::Path;

use super::Dataset;
use crate::error::{Error, Result};

/// Placeholder.
///
/// # Errors
/// Always.
pub fn find(dir: &Path) -> Result<Dataset> {
    Err(Error::NoDataSet { dir: dir.to_owned() })
}
