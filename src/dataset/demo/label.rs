//! Letters burnt into the pictures: SYNTHETIC into each, and on some the R for the patient's right side.

use crate::dataset::GreyImage;

/// Rows of five dots, the leftmost in bit 4.
const fn letter(of: u8) -> [u8; 7] {
    match of {
        b'C' => [0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e],
        b'E' => [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f],
        b'H' => [0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
        b'I' => [0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e],
        b'N' => [0x11, 0x19, 0x19, 0x15, 0x13, 0x13, 0x11],
        b'R' => [0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11],
        b'S' => [0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e],
        b'T' => [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04],
        b'Y' => [0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04],
        _ => [0; 7],
    }
}

/// Writes `text` with its upper left corner at `corner` (x, y), each dot `dot` pixels wide; what lies outside is cut.
pub fn burn(image: &mut GreyImage, text: &str, corner: (usize, usize), dot: usize) {
    let glyphs: Vec<[u8; 7]> = text.bytes().map(letter).collect();
    for y in 0..7 * dot {
        for x in 0..6 * dot * glyphs.len() {
            let (column, row) = (x / dot % 6, y / dot);
            let lit = column < 5 && glyphs[x / dot / 6][row] >> (4 - column) & 1 == 1;
            let (x, y) = (corner.0 + x, corner.1 + y);
            if lit && x < image.width && y < image.height {
                image.pixels[y * image.width + x] = 235;
            }
        }
    }
}
