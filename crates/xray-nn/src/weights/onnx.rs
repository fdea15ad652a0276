//! A network as an ONNX model, which other programs run: the graph of [`arch`], layer by layer, with torchvision's names.
//!
//! Batch norms stay nodes of their own: the model's tensors are then those of the file that it was made from, bit for bit, and
//! every runtime folds a norm into the convolution before it by itself. Format: `onnx.proto3` of ONNX 1.12 (IR 8, opset 17).

mod message;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use candle_core::{DType, Tensor};

use super::{replace, values};
use crate::arch::{self, Block, EPSILON, HEAD_BIAS, HEAD_WEIGHT, IMAGE_CHANNELS, MOMENTUM, Unit};
use crate::{Error, Result, check};
use message::Message;

/// The version of the format's own form.
const IR_VERSION: u64 = 8;
/// The version of the operators.
const OPSET: u64 = 17;

/// Name of the input, (N, 3, S, S) f32, normalised as the notes say.
pub const INPUT: &str = "pixel_values";
/// Name of the first output, (N, classes) f32.
pub const LOGITS: &str = "logits";
/// Name of the second output, (N, classes) f32: the softmax of the logits.
pub const PROBABILITIES: &str = "probabilities";

/// Who has made a model, and what is to be known of it.
#[derive(Debug, Clone)]
pub struct About<'a> {
    pub producer: &'a str,
    pub version: &'a str,
    /// Side of the square input in pixels.
    pub image_size: usize,
    pub notes: &'a BTreeMap<String, String>,
}

/// Writes the network whose [`Network::state`](crate::Network::state) this is, so that `path` holds either what it held before or
/// all of the new. The same content gives the same bytes.
///
/// # Errors
/// Names the file if it cannot be written, or the first tensor that is missing, unknown, or of another shape or type.
pub fn save(path: &Path, state: &BTreeMap<String, Tensor>, about: &About<'_>) -> Result<()> {
    let model = model(state, about)?;
    replace(path, |file| file.write_all(&model).map_err(|error: io::Error| Error::io("write", path, error)))
}

fn model(state: &BTreeMap<String, Tensor>, about: &About<'_>) -> Result<Vec<u8>> {
    let classes = check::classes(state)?;
    check::state(&arch::tensors(classes), state)?;
    let mut model = Message::default();
    model.number(1, IR_VERSION).text(2, about.producer).text(3, about.version);
    model.message(7, &graph(state, (classes, about.image_size))?);
    model.message(8, Message::default().number(2, OPSET));
    for (key, value) in about.notes {
        model.message(14, Message::default().text(1, key).text(2, value));
    }
    Ok(model.bytes())
}

fn graph(state: &BTreeMap<String, Tensor>, (classes, side): (usize, usize)) -> Result<Message> {
    let mut graph = Message::default();
    for node in nodes() {
        graph.message(1, &node.message());
    }
    graph.text(2, "resnet18");
    for spec in arch::tensors(classes).iter().filter(|spec| spec.role.dtype() == DType::F32) {
        graph.message(5, &initializer(&spec.name, &state[&spec.name])?);
    }
    graph.message(11, &value(INPUT, &[IMAGE_CHANNELS, side, side]));
    graph.message(12, &value(LOGITS, &[classes])).message(12, &value(PROBABILITIES, &[classes]));
    Ok(graph)
}

/// A tensor of the network, as it is.
fn initializer(name: &str, tensor: &Tensor) -> Result<Message> {
    const FLOAT: u64 = 1;
    let mut message = Message::default();
    for size in tensor.dims() {
        message.number(1, *size as u64);
    }
    message.number(2, FLOAT).text(8, name).field(9, &values(tensor)?);
    Ok(message)
}

/// An input or output: any number of f32 tensors of this shape.
fn value(name: &str, shape: &[usize]) -> Message {
    const FLOAT: u64 = 1;
    let mut axes = Message::default();
    axes.message(1, Message::default().text(2, "N"));
    for size in shape {
        axes.message(1, Message::default().number(1, *size as u64));
    }
    let mut tensor = Message::default();
    tensor.number(1, FLOAT).message(2, &axes);
    let mut value = Message::default();
    value.text(1, name).message(2, Message::default().message(1, &tensor));
    value
}

/// An operation of the graph; it and its only output have one name.
#[derive(Debug)]
struct Node {
    operator: &'static str,
    inputs: Vec<String>,
    name: String,
    attributes: Vec<(&'static str, Attribute)>,
}

#[derive(Debug)]
enum Attribute {
    Int(usize),
    Ints(Vec<usize>),
    Float(f32),
}

impl Node {
    fn message(&self) -> Message {
        let mut message = Message::default();
        for input in &self.inputs {
            message.text(1, input);
        }
        message.text(2, &self.name).text(3, &self.name).text(4, self.operator);
        for (name, attribute) in &self.attributes {
            const FLOAT: u64 = 1;
            const INT: u64 = 2;
            const INTS: u64 = 7;
            let mut inner = Message::default();
            inner.text(1, name);
            match attribute {
                Attribute::Float(number) => inner.float(2, *number).number(20, FLOAT),
                Attribute::Int(number) => inner.number(3, *number as u64).number(20, INT),
                Attribute::Ints(numbers) => {
                    for number in numbers {
                        inner.number(8, *number as u64);
                    }
                    inner.number(20, INTS)
                }
            };
            message.message(5, &inner);
        }
        message
    }
}

/// The operations from the input to both outputs.
fn nodes() -> Vec<Node> {
    let mut nodes = Vec::new();
    let stem = unit(&mut nodes, &arch::stem(), INPUT.to_owned());
    let stem = simple(&mut nodes, ("Relu", "relu"), &[&stem]);
    let pool = [("kernel_shape", vec![3; 2]), ("pads", vec![1; 4]), ("strides", vec![2; 2])];
    let attributes = pool.map(|(name, numbers)| (name, Attribute::Ints(numbers))).into();
    let mut x = push(&mut nodes, Node { operator: "MaxPool", inputs: vec![stem], name: "maxpool".into(), attributes });
    for block in arch::blocks() {
        x = residual(&mut nodes, &block, x);
    }
    let mean = simple(&mut nodes, ("GlobalAveragePool", "avgpool"), &[&x]);
    let flat = simple(&mut nodes, ("Flatten", "flatten"), &[&mean]);
    push(
        &mut nodes,
        Node {
            operator: "Gemm",
            inputs: vec![flat, HEAD_WEIGHT.into(), HEAD_BIAS.into()],
            name: LOGITS.into(),
            attributes: vec![("transB", Attribute::Int(1))],
        },
    );
    push(
        &mut nodes,
        Node {
            operator: "Softmax",
            inputs: vec![LOGITS.into()],
            name: PROBABILITIES.into(),
            attributes: vec![("axis", Attribute::Int(1))],
        },
    );
    nodes
}

fn push(nodes: &mut Vec<Node>, node: Node) -> String {
    let name = node.name.clone();
    nodes.push(node);
    name
}

fn simple(nodes: &mut Vec<Node>, (operator, name): (&'static str, &str), inputs: &[&str]) -> String {
    let inputs = inputs.iter().map(|input| (*input).to_owned()).collect();
    push(nodes, Node { operator, inputs, name: name.to_owned(), attributes: Vec::new() })
}

/// A convolution and its norm.
fn unit(nodes: &mut Vec<Node>, unit: &Unit, input: String) -> String {
    let [kernel, scale, shift, mean, variance, _] = unit.tensors().map(|spec| spec.name);
    let attributes = vec![
        ("kernel_shape", Attribute::Ints(vec![unit.kernel; 2])),
        ("pads", Attribute::Ints(vec![unit.padding(); 4])),
        ("strides", Attribute::Ints(vec![unit.stride; 2])),
    ];
    let conv = push(nodes, Node { operator: "Conv", inputs: vec![input, kernel], name: unit.conv.clone(), attributes });
    #[expect(clippy::cast_possible_truncation, reason = "ONNX has it in f32")]
    // ONNX counts the share of the old statistics.
    let [epsilon, momentum] = [EPSILON, 1.0 - MOMENTUM].map(|number| Attribute::Float(number as f32));
    push(
        nodes,
        Node {
            operator: "BatchNormalization",
            inputs: vec![conv, scale, shift, mean, variance],
            name: unit.norm.clone(),
            attributes: vec![("epsilon", epsilon), ("momentum", momentum)],
        },
    )
}

/// `relu(second(relu(first(x))) + shortcut(x))`
fn residual(nodes: &mut Vec<Node>, block: &Block, x: String) -> String {
    let name = block.first.conv.trim_end_matches(".conv1");
    let first = unit(nodes, &block.first, x.clone());
    let first = simple(nodes, ("Relu", &format!("{name}.relu1")), &[&first]);
    let second = unit(nodes, &block.second, first);
    let shortcut = block.shortcut.as_ref().map_or(x.clone(), |shortcut| unit(nodes, shortcut, x));
    let sum = simple(nodes, ("Add", &format!("{name}.add")), &[&second, &shortcut]);
    simple(nodes, ("Relu", &format!("{name}.relu2")), &[&sum])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_takes_what_an_earlier_one_gave_or_a_tensor_of_the_network() {
        let mut known: BTreeSet<String> = arch::tensors(2).into_iter().map(|spec| spec.name).collect();
        known.insert(INPUT.to_owned());
        for node in nodes() {
            assert!(node.inputs.iter().all(|input| known.contains(input)), "{node:?}");
            assert!(known.insert(node.name.clone()), "{} is there twice", node.name);
        }
        assert!(known.contains(LOGITS) && known.contains(PROBABILITIES));
        let of = |operator: &str| nodes().iter().filter(|node| node.operator == operator).count();
        assert_eq!([of("Conv"), of("BatchNormalization"), of("Relu"), of("Add")], [20, 20, 17, 8]);
    }

    #[test]
    fn a_value_is_what_the_protobuf_compiler_makes_of_it() {
        // `onnx.helper.make_tensor_value_info("logits", 1, ["N", 2]).SerializeToString()`
        let expected = b"\n\x06logits\x12\x0f\n\r\x08\x01\x12\t\n\x03\x12\x01N\n\x02\x08\x02";
        assert_eq!(value(LOGITS, &[2]).bytes(), expected);
    }
}
