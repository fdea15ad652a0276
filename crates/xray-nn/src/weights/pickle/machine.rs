//! The machine that a pickle is a program for, without the power to call anything.

use std::collections::HashMap;

use super::{Id, Item, MOST_AXES, Name, Storage, Tensor, int};

/// What it is doing.
#[derive(Debug, Default)]
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    /// Bytes that are read.
    pub at: usize,
    pub items: Vec<Item<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

fn cut_short() -> String {
    "its pickle is cut short".to_owned()
}

fn damaged() -> String {
    "its pickle makes no sense".to_owned()
}

/// Names are the file's: no more of them is shown than tells what it is.
fn refused(what: &str) -> String {
    let what: String = what.chars().take(100).collect();
    format!("it would run code: {what}")
}

impl<'a> Machine<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// One opcode; the whole object where it was the last.
    pub fn step(&mut self) -> Result<Option<Id>, String> {
        match self.byte()? {
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.discard()?,
            b'1' => drop(self.above_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            0x80 => _ = self.byte()?,
            0x95 => _ = self.take(8)?,
            code @ (b'p' | b'q' | b'r' | 0x94) => self.keep(code)?,
            code @ (b'g' | b'h' | b'j') => self.recall(code)?,
            code @ (b'R' | 0x81 | b'i' | b'o' | b'b' | b'c' | 0x93 | b'Q') => self.name_or_call(code)?,
            code @ (b'a' | b'e' | 0x90 | b's' | b'u') => self.fill(code)?,
            code => {
                let item = self.item(code)?;
                self.push(item);
            }
        }
        Ok(None)
    }

    /// The item that an opcode makes of what follows it or of what lies on the stack.
    fn item(&mut self, code: u8) -> Result<Item<'a>, String> {
        Ok(match code {
            b'N' | b'F' | b'G' => {
                self.skip_number(code)?;
                Item::Other
            }
            0x88 | 0x89 => Item::Bool(code == 0x88),
            b'I' | b'L' | b'J' | b'K' | b'M' | 0x8a | 0x8b => self.number(code)?,
            b'S' | b'V' | b'T' | b'U' | b'X' | 0x8c | 0x8d => self.words(code)?,
            b'B' | b'C' | 0x8e | 0x96 => {
                let width = match code {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                };
                self.counted(width)?;
                Item::Other
            }
            b'}' => Item::Dict(Vec::new()),
            b']' | 0x8f => Item::List(Vec::new()),
            b')' => Item::Tuple(Vec::new()),
            0x85..=0x87 => {
                let mut tuple = (0..code - 0x84).map(|_| self.pop()).collect::<Result<Vec<Id>, _>>()?;
                tuple.reverse();
                Item::Tuple(tuple)
            }
            b't' => Item::Tuple(self.above_mark()?),
            b'l' | 0x91 => Item::List(self.above_mark()?),
            b'd' => Item::Dict(pairs(&self.above_mark()?)?),
            // Extensions, objects with keywords, persistent names as text, buffers from elsewhere.
            0x82..=0x84 | 0x92 | b'P' | 0x97 | 0x98 => return Err(refused(&format!("pickle's opcode {code:#04x}"))),
            _ => return Err(damaged()),
        })
    }

    fn skip_number(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'F' => self.line().map(drop),
            b'G' => self.take(8).map(drop),
            _ => Ok(()),
        }
    }

    fn number(&mut self, code: u8) -> Result<Item<'a>, String> {
        Ok(match code {
            b'I' => match self.line()? {
                "00" => Item::Bool(false),
                "01" => Item::Bool(true),
                line => Item::Int(line.parse().map_err(|_| damaged())?),
            },
            b'L' => self.line()?.trim_end_matches('L').parse().map_or(Item::Other, Item::Int),
            b'K' => Item::Int(self.byte()?.into()),
            b'M' => Item::Int(signed(&[self.take(2)?, &[0]].concat())),
            b'J' => Item::Int(signed(self.take(4)?)),
            _ => {
                let bytes = self.counted(if code == 0x8a { 1 } else { 4 })?;
                if bytes.len() > 16 { Item::Other } else { Item::Int(signed(bytes)) }
            }
        })
    }

    /// Text; a text with escapes stays as it is written, as no tensor is called so.
    fn words(&mut self, code: u8) -> Result<Item<'a>, String> {
        let bytes = match code {
            b'S' => return Ok(Item::Text(self.line()?.trim_matches(['\'', '"']))),
            b'V' => return self.line().map(Item::Text),
            b'U' | 0x8c => self.counted(1)?,
            0x8d => self.counted(8)?,
            _ => self.counted(4)?,
        };
        Ok(std::str::from_utf8(bytes).map_or(Item::Other, Item::Text))
    }

    /// Appends to a list, or sets entries of a dictionary.
    fn fill(&mut self, code: u8) -> Result<(), String> {
        let mut new = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.above_mark()?,
        };
        let target = self.top()? as usize;
        match &mut self.items[target] {
            Item::List(list) if !matches!(code, b's' | b'u') => list.append(&mut new),
            Item::Dict(entries) if matches!(code, b's' | b'u') => entries.append(&mut pairs(&new)?),
            _ => return Err(damaged()),
        }
        Ok(())
    }

    /// Remembers the topmost item under a number.
    fn keep(&mut self, code: u8) -> Result<(), String> {
        let number = if code == 0x94 { self.memo.len() as u64 } else { self.memo_number(code)? };
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, code: u8) -> Result<(), String> {
        let number = self.memo_number(code)?;
        self.stack.push(*self.memo.get(&number).ok_or_else(damaged)?);
        Ok(())
    }

    fn memo_number(&mut self, code: u8) -> Result<u64, String> {
        match code {
            b'p' | b'g' => self.line()?.parse().map_err(|_| damaged()),
            b'q' | b'h' => self.byte().map(u64::from),
            _ => self.unsigned(4),
        }
    }

    /// What names a thing of Python's or would call one.
    fn name_or_call(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'c' => {
                let name = self.named_by_lines()?;
                self.push(Item::Name(name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Item::Text(module), Item::Text(name)) = (self.at(module), self.at(name)) else {
                    return Err(damaged());
                };
                let name = Name::find(module, name).ok_or_else(|| refused(&format!("{module}.{name}")))?;
                self.push(Item::Name(name));
            }
            b'Q' => {
                let what = self.pop()?;
                let storage = self.storage(what)?;
                self.push(Item::Storage(storage));
            }
            // The state of an OrderedDict: PyTorch keeps the layers' versions there.
            b'b' => {
                self.pop()?;
                let target = self.top()?;
                if !matches!(self.at(target), Item::Dict(_)) {
                    return Err(refused("__setstate__"));
                }
            }
            _ => self.call(code)?,
        }
        Ok(())
    }

    fn named_by_lines(&mut self) -> Result<Name, String> {
        let (module, name) = (self.line()?, self.line()?);
        Name::find(module, name).ok_or_else(|| refused(&format!("{module}.{name}")))
    }

    fn call(&mut self, code: u8) -> Result<(), String> {
        let (name, arguments) = match code {
            b'i' => (self.named_by_lines()?, self.above_mark()?),
            b'o' => {
                let mut all = self.above_mark()?.into_iter();
                (self.name(all.next().ok_or_else(damaged)?)?, all.collect())
            }
            _ => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                let Item::Tuple(arguments) = self.at(arguments) else { return Err(damaged()) };
                // A tuple may be given to many calls, none of which has use for more.
                (self.name(callable)?, arguments.iter().take(MOST_AXES).copied().collect())
            }
        };
        self.make(name, &arguments)
    }

    fn name(&self, id: Id) -> Result<Name, String> {
        if let Item::Name(name) = self.at(id) { Ok(*name) } else { Err(damaged()) }
    }

    /// Pushes what the call would give.
    fn make(&mut self, name: Name, arguments: &[Id]) -> Result<(), String> {
        let item = match (name, arguments) {
            (Name::OrderedDict, []) => Item::Dict(Vec::new()),
            (Name::OrderedDict, [list]) => Item::Dict(self.pairs_of(*list)?),
            (Name::RebuildTensor, [storage, offset, shape, strides, ..]) => {
                let Item::Storage(storage) = *self.at(*storage) else { return Err(damaged()) };
                let (shape, strides) = (self.counts(*shape)?, self.counts(*strides)?);
                Item::Tensor(Box::new(Tensor { storage, offset: self.count(*offset)?, shape, strides }))
            }
            // The very same: a parameter's other arguments are about training. A size is a tuple.
            (Name::RebuildParameter | Name::Size, [first, ..]) => {
                self.stack.push(*first);
                return Ok(());
            }
            _ => return Err(damaged()),
        };
        self.push(item);
        Ok(())
    }

    /// The pairs of a list of pairs, as protocols 0 and 1 of Python 2 write an `OrderedDict`. As many as lists may hold in
    /// all, and a list that is used again gives no more.
    fn pairs_of(&mut self, list: Id) -> Result<Vec<(Id, Id)>, String> {
        let Item::List(pairs) = std::mem::replace(&mut self.items[list as usize], Item::Other) else {
            return Err(damaged());
        };
        let pair = |id: &Id| match self.at(*id) {
            Item::List(pair) | Item::Tuple(pair) => <[Id; 2]>::try_from(pair.as_slice()).ok().map(|[a, b]| (a, b)),
            _ => None,
        };
        pairs.iter().map(pair).collect::<Option<_>>().ok_or_else(damaged)
    }

    /// A storage by its persistent name: ("storage", class, key, device, count) and, from old files, a view: (key, start,
    /// count) or None.
    fn storage(&self, what: Id) -> Result<Storage<'a>, String> {
        let Item::Tuple(parts) = self.at(what) else { return Err(damaged()) };
        let [kind, class, key, rest @ ..] = parts.as_slice() else { return Err(damaged()) };
        let (Item::Text("storage"), Item::Name(Name::Storage(elements)), Item::Text(key)) =
            (self.at(*kind), self.at(*class), self.at(*key))
        else {
            return Err(damaged());
        };
        let start = match rest.get(2).map(|view| self.at(*view)) {
            Some(Item::Tuple(view)) => self.count(*view.get(1).ok_or_else(damaged)?)?,
            _ => 0,
        };
        Ok(Storage { key, elements: *elements, start })
    }

    fn counts(&self, id: Id) -> Result<Vec<usize>, String> {
        match self.at(id) {
            Item::Tuple(counts) if counts.len() <= MOST_AXES => counts.iter().map(|id| self.count(*id)).collect(),
            _ => Err(damaged()),
        }
    }

    fn count(&self, id: Id) -> Result<usize, String> {
        int(&self.items, id).and_then(|number| usize::try_from(number).ok()).ok_or_else(damaged)
    }

    fn at(&self, id: Id) -> &Item<'a> {
        &self.items[id as usize]
    }

    fn push(&mut self, item: Item<'a>) {
        // There are fewer than MOST_OPCODES.
        self.stack.push(Id::try_from(self.items.len()).unwrap_or(Id::MAX));
        self.items.push(item);
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, String> {
        let is_there = self.stack.len() > self.floor();
        self.stack.pop().filter(|_| is_there).ok_or_else(damaged)
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().filter(|_| self.stack.len() > self.floor()).copied().ok_or_else(damaged)
    }

    fn discard(&mut self) -> Result<(), String> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn above_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or_else(damaged)?;
        Ok(self.stack.split_off(mark))
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or_else(cut_short)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// As many bytes as the number before them says, itself of `width` bytes.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], String> {
        let count = self.unsigned(width)?;
        self.take(usize::try_from(count).map_err(|_| cut_short())?)
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, String> {
        Ok(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// What is before the next line break, which goes too.
    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or_else(cut_short)?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map(|line| line.trim_end_matches('\r')).map_err(|_| damaged())
    }
}

/// Two's complement, the lowest byte first, at most 16 of them.
fn signed(bytes: &[u8]) -> i128 {
    let filling = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut all = [filling; 16];
    all[..bytes.len()].copy_from_slice(bytes);
    i128::from_le_bytes(all)
}

fn pairs(flat: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    let (pairs, []) = flat.as_chunks::<2>() else { return Err(damaged()) };
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}
