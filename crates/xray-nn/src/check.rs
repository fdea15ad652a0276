//! What a network can be made of, and what it can look at.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};

use crate::arch::{HEAD_BIAS, IMAGE_CHANNELS, REDUCTION, TensorSpec};
use crate::{Error, Mode, Result};

/// Whose tensors they are, in a message.
pub const OF: &str = "this ResNet-18";

/// Classes of the network whose state this is.
pub fn classes(state: &BTreeMap<String, Tensor>) -> Result<usize> {
    let missing = || Error::MissingTensor { name: HEAD_BIAS.to_owned(), expected: vec![0], of: OF };
    let bias = state.get(HEAD_BIAS).ok_or_else(missing)?;
    bias.dims1().map_err(|_| Error::WrongShape {
        name: HEAD_BIAS.to_owned(),
        found: bias.dims().to_vec(),
        expected: vec![0],
    })
}

/// That `state` has these tensors and no others.
pub fn state(specs: &[TensorSpec], state: &BTreeMap<String, Tensor>) -> Result<()> {
    for spec in specs {
        tensor(state, (&spec.name, &spec.shape, spec.role.dtype()), OF)?;
    }
    let unknown = state.keys().find(|name| !specs.iter().any(|spec| spec.name == **name));
    unknown.map_or(Ok(()), |name| Err(Error::UnexpectedTensor { name: name.clone(), of: OF }))
}

/// The tensor of that name, if it has this shape and type.
pub fn tensor<'a>(
    state: &'a BTreeMap<String, Tensor>,
    (name, shape, dtype): (&str, &[usize], DType),
    of: &'static str,
) -> Result<&'a Tensor> {
    let (name, expected) = (name.to_owned(), shape.to_vec());
    let Some(tensor) = state.get(&name) else {
        return Err(Error::MissingTensor { name, expected, of });
    };
    if tensor.dims() != expected {
        return Err(Error::WrongShape { name, found: tensor.dims().to_vec(), expected });
    }
    if tensor.dtype() != dtype {
        return Err(Error::WrongType { name, found: tensor.dtype().as_str().to_owned(), expected: dtype.as_str() });
    }
    Ok(tensor)
}

/// That a network can take these images.
pub fn images(images: &Tensor, mode: Mode) -> Result<()> {
    if images.dtype() != DType::F32 {
        let found = images.dtype().as_str().to_owned();
        return Err(Error::WrongType { name: "images".to_owned(), found, expected: DType::F32.as_str() });
    }
    let &[batch, IMAGE_CHANNELS, height, width] = images.dims() else {
        return Err(Error::BadImages { found: images.dims().to_vec() });
    };
    let values_per_channel = batch * height.div_ceil(REDUCTION) * width.div_ceil(REDUCTION);
    match (values_per_channel, mode) {
        (0, _) => Err(Error::BadImages { found: images.dims().to_vec() }),
        (1, Mode::Train) => Err(Error::OneValuePerChannel { batch, height, width }),
        _ => Ok(()),
    }
}
