//! What can be asked of files of weights.

#![allow(rustdoc::bare_urls, reason = "the comments are help texts")]

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::train::weights::Format;

/// `xray-tui weights …`
#[derive(Debug, Clone, Subcommand)]
pub enum WeightsCommand {
    /// Write a run's best weights for other programs: for PyTorch (torchvision's resnet18), or as an ONNX model
    Export {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        run: String,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// How to write it [default: by the file's ending: .safetensors, .pth, .pt or .onnx]
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<WeightsFormat>,
        /// Overwrite a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Say what is in a file of weights, and whether `train --pretrained` takes it; code in it is never run
    Show {
        /// safetensors, or a .pth of any PyTorch since 2017
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Get ImageNet's weights from their public place, for `train --pretrained resnet18`; what an interrupted one has got is
    /// kept, and the next one goes on from there
    Fetch {
        /// Which weights
        #[arg(value_enum)]
        name: PublicWeights,
        /// The file to write [default: in the folder weights of the cache, where `--pretrained resnet18` finds it]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Get them from there instead, as from a mirror, or from the Hugging Face hub:
        /// https://huggingface.co/timm/resnet18.tv_in1k/resolve/main/model.safetensors
        #[arg(long)]
        url: Option<String>,
        /// How the file's SHA-256 begins, in 8 to 64 hexadecimal digits [default: all of torchvision's for a
        /// resnet18-f37072fd.pth, else what the name in the address tells]
        #[arg(long, value_name = "DIGITS", value_parser = sha256)]
        sha256: Option<String>,
        /// Get them again where they are there
        #[arg(long)]
        force: bool,
    },
}

/// What a run's weights can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightsFormat {
    Safetensors,
    Pth,
    Onnx,
}

impl From<WeightsFormat> for Format {
    fn from(format: WeightsFormat) -> Self {
        match format {
            WeightsFormat::Safetensors => Self::Safetensors,
            WeightsFormat::Pth => Self::Pth,
            WeightsFormat::Onnx => Self::Onnx,
        }
    }
}

/// Public weights by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PublicWeights {
    Resnet18,
}

/// The beginning of a SHA-256.
fn sha256(text: &str) -> Result<String, String> {
    let is_one = (8..=64).contains(&text.len()) && text.chars().all(|digit| digit.is_ascii_hexdigit());
    if is_one { Ok(text.to_lowercase()) } else { Err("must be 8 to 64 hexadecimal digits".to_owned()) }
}
