//! ResNet-18 as data: every layer's shape and every tensor's torchvision name, defined here and nowhere else.
//!
//! He et al., "Deep Residual Learning for Image Recognition", 2015 (arXiv:1512.03385), table 1. `S` is the side of the
//! square input in pixels; an odd side is rounded up where it is halved.
//!
//! | part   | what                                              | output        |
//! | ------ | ------------------------------------------------- | ------------- |
//! | stem   | convolution 7x7 stride 2, batch norm, ReLU        | (64, S/2)     |
//! | pool   | maximum of 3x3, stride 2, padding 1               | (64, S/4)     |
//! | layer1 | 2 blocks                                          | (64, S/4)     |
//! | layer2 | 2 blocks, the first with stride 2                 | (128, S/8)    |
//! | layer3 | 2 blocks, the first with stride 2                 | (256, S/16)   |
//! | layer4 | 2 blocks, the first with stride 2                 | (512, S/32)   |
//! | head   | mean over the picture, then a linear layer        | (classes)     |

use candle_core::DType;

/// Planes of an input image: red, green, blue.
pub const IMAGE_CHANNELS: usize = 3;
/// Channels of the last stage: the head's inputs.
pub const FEATURES: usize = 512;
/// Input pixels per feature pixel along each side.
pub const REDUCTION: usize = 32;
/// Side of the stem's kernel in pixels.
pub const STEM_KERNEL: usize = 7;
pub const STEM_STRIDE: usize = 2;
/// Channels between the stem and the first stage.
pub const STEM_CHANNELS: usize = 64;
/// Batch norm: added to the variance before its root is taken.
pub const EPSILON: f64 = 1e-5;
/// Batch norm: a batch's share in the running statistics.
pub const MOMENTUM: f64 = 0.1;

/// Residual blocks of equal width in a row; the first of them has the stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    pub blocks: usize,
    pub channels: usize,
    pub stride: usize,
}

/// The stages, named `layer1` to `layer4`.
pub const STAGES: [Stage; 4] = [
    Stage { blocks: 2, channels: 64, stride: 1 },
    Stage { blocks: 2, channels: 128, stride: 2 },
    Stage { blocks: 2, channels: 256, stride: 2 },
    Stage { blocks: 2, channels: FEATURES, stride: 2 },
];

/// A square convolution without bias and the batch norm behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Name of the convolution, as in `layer1.0.conv1`.
    pub conv: String,
    /// Name of the batch norm, as in `layer1.0.bn1`.
    pub norm: String,
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
}

impl Unit {
    /// Pixels of zeros around the input: as many as keep its size at stride 1.
    pub fn padding(&self) -> usize {
        self.kernel / 2
    }

    /// Its six tensors, in torchvision's order.
    pub fn tensors(&self) -> [TensorSpec; 6] {
        let of_norm = |part: &str, role| TensorSpec::new(&self.norm, part, &[self.outputs], role);
        let kernel = [self.outputs, self.inputs, self.kernel, self.kernel];
        [
            TensorSpec::new(&self.conv, "weight", &kernel, Role::Kernel),
            of_norm("weight", Role::Scale),
            of_norm("bias", Role::Shift),
            of_norm("running_mean", Role::RunningMean),
            of_norm("running_var", Role::RunningVariance),
            TensorSpec::new(&self.norm, "num_batches_tracked", &[], Role::BatchesTracked),
        ]
    }
}

/// A basic residual block: `relu(second(relu(first(x))) + shortcut(x))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub first: Unit,
    pub second: Unit,
    /// A 1x1 convolution where the block changes size or width, else `x` goes straight through.
    pub shortcut: Option<Unit>,
}

impl Block {
    fn new(name: &str, inputs: usize, outputs: usize, stride: usize) -> Self {
        let unit = |conv: &str, norm: &str, inputs, kernel, stride| Unit {
            conv: format!("{name}.{conv}"),
            norm: format!("{name}.{norm}"),
            inputs,
            outputs,
            kernel,
            stride,
        };
        let changes_shape = stride != 1 || inputs != outputs;
        Self {
            first: unit("conv1", "bn1", inputs, 3, stride),
            second: unit("conv2", "bn2", outputs, 3, 1),
            shortcut: changes_shape.then(|| unit("downsample.0", "downsample.1", inputs, 1, stride)),
        }
    }
}

/// The first convolution and its batch norm.
pub fn stem() -> Unit {
    let (conv, norm) = ("conv1".to_owned(), "bn1".to_owned());
    Unit { conv, norm, inputs: IMAGE_CHANNELS, outputs: STEM_CHANNELS, kernel: STEM_KERNEL, stride: STEM_STRIDE }
}

/// The eight residual blocks, from the input's side to the output's.
pub fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut inputs = STEM_CHANNELS;
    for (stage, number) in STAGES.iter().zip(1..) {
        for index in 0..stage.blocks {
            let stride = if index == 0 { stage.stride } else { 1 };
            blocks.push(Block::new(&format!("layer{number}.{index}"), inputs, stage.channels, stride));
            inputs = stage.channels;
        }
    }
    blocks
}

/// All twenty units in order: the stem, then each block's first, second and shortcut.
pub fn units() -> Vec<Unit> {
    let mut units = vec![stem()];
    for block in blocks() {
        units.extend([block.first, block.second]);
        units.extend(block.shortcut);
    }
    units
}

/// What a tensor is for; decides how it starts and whether it is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A convolution's weights, (outputs, inputs, kernel, kernel).
    Kernel,
    /// Batch norm's factor, one per channel.
    Scale,
    /// Batch norm's summand, one per channel.
    Shift,
    RunningMean,
    RunningVariance,
    /// How many batches the running statistics have seen, a scalar.
    BatchesTracked,
    /// The linear layer's weights, (classes, 512).
    HeadWeight,
    /// The linear layer's summand, (classes).
    HeadBias,
}

impl Role {
    /// Learnt by gradient (and not only tracked).
    pub fn is_parameter(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance | Self::BatchesTracked)
    }

    /// f32, but i64 for the count of batches.
    pub fn dtype(self) -> DType {
        if self == Self::BatchesTracked { DType::I64 } else { DType::F32 }
    }
}

/// A tensor that the network owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// torchvision's name, as in `layer2.0.downsample.1.running_mean`.
    pub name: String,
    pub shape: Vec<usize>,
    pub role: Role,
}

impl TensorSpec {
    fn new(layer: &str, part: &str, shape: &[usize], role: Role) -> Self {
        Self { name: format!("{layer}.{part}"), shape: shape.to_vec(), role }
    }
}

/// Name of the linear layer's weights, (classes, 512).
pub const HEAD_WEIGHT: &str = "fc.weight";
/// Name of the linear layer's bias, (classes).
pub const HEAD_BIAS: &str = "fc.bias";

/// Parts of the trunk that can be frozen one after the other, from the input's side: the stem, then each of the stages.
pub const PARTS: usize = 1 + STAGES.len();

/// How many of the [`blocks`] the first `parts` of the [`PARTS`] have.
pub fn blocks_of(parts: usize) -> usize {
    STAGES.iter().take(parts.saturating_sub(1)).map(|stage| stage.blocks).sum()
}

/// How many of the [`units`] the first `parts` of the [`PARTS`] have.
pub fn units_of(parts: usize) -> usize {
    let of_block = |block: &Block| 2 + usize::from(block.shortcut.is_some());
    usize::from(parts > 0) + blocks().iter().take(blocks_of(parts)).map(of_block).sum::<usize>()
}

/// How many numbers the first `parts` of the [`PARTS`] learn: the trunk's flat parameters begin with them.
pub fn values_of(parts: usize) -> usize {
    let tensors = units().into_iter().take(units_of(parts)).flat_map(|unit| unit.tensors());
    tensors.filter(|spec| spec.role.is_parameter()).map(|spec| spec.shape.iter().product::<usize>()).sum()
}

/// Every tensor of a network with so many classes: 122, in the order of torchvision's `state_dict()`.
pub fn tensors(classes: usize) -> Vec<TensorSpec> {
    let mut tensors: Vec<TensorSpec> = units().iter().flat_map(Unit::tensors).collect();
    tensors.push(TensorSpec::new("fc", "weight", &[classes, FEATURES], Role::HeadWeight));
    tensors.push(TensorSpec::new("fc", "bias", &[classes], Role::HeadBias));
    tensors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_tensors_and_parameters_that_torchvision_counts() {
        let tensors = tensors(1000);
        let size = |spec: &TensorSpec| spec.shape.iter().product::<usize>();
        assert_eq!(tensors.len(), 122);
        assert_eq!(tensors.iter().filter(|t| t.role.is_parameter()).map(size).sum::<usize>(), 11_689_512);
    }

    #[test]
    fn only_the_first_blocks_of_the_later_stages_have_a_shortcut() {
        let with: Vec<bool> = blocks().iter().map(|block| block.shortcut.is_some()).collect();
        assert_eq!(with, [false, false, true, false, true, false, true, false]);
    }

    #[test]
    fn the_parts_together_are_the_trunk() {
        assert_eq!([0, 1, 2, 3, 4, PARTS].map(blocks_of), [0, 0, 2, 4, 6, 8]);
        assert_eq!([0, 1, 2, 3, 4, PARTS].map(units_of), [0, 1, 5, 10, 15, 20]);
        assert_eq!([0, 1, PARTS].map(values_of), [0, 64 * 3 * 49 + 2 * 64, 11_689_512 - 513 * 1000]);
    }
}
