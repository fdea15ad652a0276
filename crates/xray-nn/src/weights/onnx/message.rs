//! Messages in Google's protocol buffers (<https://protobuf.dev/programming-guides/encoding/>), as far as ONNX needs them.

/// A message in the making: fields one behind the other.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

/// How a field's value is written.
const VARINT: u64 = 0;
const COUNTED: u64 = 2;
const FOUR_BYTES: u64 = 5;

impl Message {
    /// A field with a whole number.
    pub fn number(&mut self, field: u64, number: u64) -> &mut Self {
        self.varint(field << 3 | VARINT);
        self.varint(number);
        self
    }

    pub fn float(&mut self, field: u64, number: f32) -> &mut Self {
        self.varint(field << 3 | FOUR_BYTES);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub fn text(&mut self, field: u64, text: &str) -> &mut Self {
        self.field(field, text.as_bytes())
    }

    pub fn message(&mut self, field: u64, message: &Self) -> &mut Self {
        self.field(field, &message.0)
    }

    /// A field with bytes.
    pub fn field(&mut self, field: u64, bytes: &[u8]) -> &mut Self {
        self.varint(field << 3 | COUNTED);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// The whole message.
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the encoding's description.
    #[test]
    fn fields_are_written_as_the_description_of_the_encoding_has_them() {
        let mut message = Message::default();
        message.number(1, 150).text(2, "testing");
        assert_eq!(message.bytes(), b"\x08\x96\x01\x12\x07testing");
    }
}
