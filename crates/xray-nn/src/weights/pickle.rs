//! Python's pickles as data: what PyTorch writes about tensors is understood, and nothing is ever called.
//!
//! A pickle is a program for a stack machine that may call any function by its name. Here a name counts only if it is on
//! a short list of things that this file makes itself; any other ends the reading (Python's `Lib/pickletools.py`
//! describes the opcodes, protocols 0 to 5). Every opcode makes at most one item and no number in the file is believed,
//! so that memory is bounded by the number of opcodes; items name each other by number, so that nothing recurses.

mod machine;
#[cfg(test)]
mod tests;

use candle_core::DType;

use machine::Machine;

/// Opcodes that a pickle may have; a ResNet-18 with its optimizer has 20,000.
const MOST_OPCODES: usize = 1 << 19;
/// Axes that a tensor may have; a convolution's weights have 4.
const MOST_AXES: usize = 8;

/// An item's place among all.
type Id = u32;

/// What a pickle builds.
#[derive(Debug, Clone, PartialEq)]
enum Item<'a> {
    Bool(bool),
    Int(i128),
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Name(Name),
    Storage(Storage<'a>),
    Tensor(Box<Tensor<'a>>),
    /// None, floats, bytes: nothing that a tensor needs.
    Other,
}

/// The names that may be called or shown: nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    /// A storage's class, by what it holds.
    Storage(Elements),
}

impl Name {
    fn find(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Some(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::RebuildParameter),
            ("torch", "Size") => Some(Self::Size),
            ("torch" | "torch.cuda", _) => Elements::of(name).map(Self::Storage),
            _ => None,
        }
    }
}

/// What a storage holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    Of(DType),
    /// Of a type that candle has not, of so many bytes.
    Foreign(usize),
}

impl Elements {
    /// By the name of the storage's class.
    fn of(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => Self::Of(DType::F64),
            "FloatStorage" => Self::Of(DType::F32),
            "HalfStorage" => Self::Of(DType::F16),
            "BFloat16Storage" => Self::Of(DType::BF16),
            "LongStorage" => Self::Of(DType::I64),
            "IntStorage" => Self::Of(DType::I32),
            "ShortStorage" => Self::Of(DType::I16),
            "ByteStorage" | "BoolStorage" => Self::Of(DType::U8),
            "CharStorage" => Self::Foreign(1),
            "ComplexFloatStorage" => Self::Foreign(8),
            "ComplexDoubleStorage" => Self::Foreign(16),
            _ => return None,
        })
    }

    /// Bytes of each.
    pub fn size(self) -> usize {
        match self {
            Self::Of(dtype) => dtype.size_in_bytes(),
            Self::Foreign(size) => size,
        }
    }

    /// candle's type.
    pub fn dtype(self) -> Option<DType> {
        if let Self::Of(dtype) = self { Some(dtype) } else { None }
    }
}

/// Values of one type in a row, in a place of their own in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage<'a> {
    pub key: &'a str,
    pub elements: Elements,
    /// Elements before the first one that counts.
    pub start: usize,
}

/// A view of a storage; the counts are in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor<'a> {
    pub storage: Storage<'a>,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// A pickle that was read.
#[derive(Debug)]
pub struct Pickle<'a> {
    items: Vec<Item<'a>>,
    root: Id,
    /// Bytes that it takes.
    pub length: usize,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle that `bytes` begin with.
    ///
    /// # Errors
    /// What is wrong with it, or which code it would run.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut machine = Machine::new(bytes);
        for _ in 0..MOST_OPCODES {
            if let Some(root) = machine.step()? {
                return Ok(Self { items: machine.items, root, length: machine.at });
            }
        }
        Err(format!("its pickle has more than {MOST_OPCODES} steps"))
    }

    /// The whole as a number.
    pub fn int(&self) -> Option<i128> {
        int(&self.items, self.root)
    }

    /// What a dictionary says under `key`, if that is true or false.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let found = self.entries(self.root)?.iter().rev().find(|(name, _)| self.text(*name) == Some(key))?;
        if let Item::Bool(flag) = self.item(found.1) { Some(*flag) } else { None }
    }

    /// The texts of a list of texts.
    pub fn texts(&self) -> Option<Vec<&'a str>> {
        let Item::List(list) = self.item(self.root) else { return None };
        list.iter().map(|id| self.text(*id)).collect()
    }

    /// Every storage that anything names.
    pub fn storages(&self) -> impl Iterator<Item = Storage<'a>> + '_ {
        self.items.iter().filter_map(|item| if let Item::Storage(storage) = item { Some(*storage) } else { None })
    }

    /// The tensors of a dictionary by their names, in the file's order, or of the dictionary that it holds under one of
    /// `wrappings`; other entries are left out. `None` where it is no dictionary.
    pub fn tensors(&self, wrappings: &[&str]) -> Option<Vec<(&'a str, &Tensor<'a>)>> {
        /// Dictionaries within dictionaries; one that holds itself would never end.
        const DEEPEST: usize = 4;
        let mut entries = self.entries(self.root)?;
        for _ in 0..DEEPEST {
            let wraps = |(name, _): &&(Id, Id)| self.text(*name).is_some_and(|name| wrappings.contains(&name));
            let Some(inner) = entries.iter().filter(wraps).find_map(|(_, value)| self.entries(*value)) else { break };
            entries = inner;
        }
        let tensor = |(name, value): &(Id, Id)| match self.item(*value) {
            Item::Tensor(tensor) => Some((self.text(*name)?, tensor.as_ref())),
            _ => None,
        };
        Some(entries.iter().filter_map(tensor).collect())
    }

    fn item(&self, id: Id) -> &Item<'a> {
        &self.items[id as usize]
    }

    fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        if let Item::Dict(entries) = self.item(id) { Some(entries) } else { None }
    }

    fn text(&self, id: Id) -> Option<&'a str> {
        if let Item::Text(text) = self.item(id) { Some(text) } else { None }
    }
}

fn int(items: &[Item<'_>], id: Id) -> Option<i128> {
    if let Item::Int(number) = &items[id as usize] { Some(*number) } else { None }
}
