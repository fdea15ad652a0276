//! Colour maps: a colour for each value of 0 to 1.

#![expect(clippy::unreadable_literal, reason = "colours are read in pairs of digits")]

use super::by_level;

/// A colour for each value of 0 to 1.
///
/// Sources: inferno and viridis are by Stéfan van der Walt and Nathaniel Smith (matplotlib, 2015), turbo is by Anton
/// Mikhailov (Google, 2019).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourMap {
    /// Black, violet, red, yellow: brightness grows evenly.
    #[default]
    Inferno,
    /// Violet, green, yellow: brightness grows evenly.
    Viridis,
    /// Blue, green, yellow, red: the most levels that can be told apart, brightest in the middle.
    Turbo,
    /// Black to white.
    Grey,
}

const ANCHORS: usize = 33;

// Colours as 0xRRGGBB at 0, 1/32 ... 1 of matplotlib's maps; tests/fixtures/picture/colours.py prints them.
const INFERNO: [u32; ANCHORS] = [
    0x000004, 0x040312, 0x0b0724, 0x150b37, 0x210c4a, 0x2e0a5a, 0x3c0965, 0x4a0c6b, 0x57106d, 0x63146e, 0x70196e,
    0x7d1e6d, 0x89226a, 0x962766, 0xa32b61, 0xaf315c, 0xbb3755, 0xc63e4d, 0xd14644, 0xdb4f3b, 0xe35932, 0xeb6528,
    0xf1711e, 0xf67f14, 0xf98d0a, 0xfb9c06, 0xfcab0f, 0xfbba1f, 0xf9ca32, 0xf5d949, 0xf2e865, 0xf3f586, 0xfcffa4,
];

const VIRIDIS: [u32; ANCHORS] = [
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453681, 0x424086, 0x3f4989, 0x3b528b, 0x375a8d, 0x33638d,
    0x2f6a8e, 0x2c728e, 0x297a8e, 0x26818e, 0x23898e, 0x21908c, 0x1f988b, 0x1f9f88, 0x21a685, 0x28ae80, 0x31b57b,
    0x3ebc74, 0x4cc26c, 0x5dc963, 0x6ece58, 0x82d34c, 0x96d83f, 0xabdc32, 0xc0df24, 0xd5e21a, 0xeae51a, 0xfde725,
];

const TURBO: [u32; ANCHORS] = [
    0x30123b, 0x392a73, 0x4040a1, 0x4456c7, 0x466be3, 0x467ff6, 0x4293ff, 0x37a7fa, 0x29bbec, 0x1dcdd8, 0x18dcc3,
    0x1ee8b0, 0x31f299, 0x4cf97e, 0x6bfd64, 0x8aff4d, 0xa3fd3c, 0xb8f735, 0xcced34, 0xdee037, 0xedd03a, 0xf8c03a,
    0xfdae35, 0xfe982c, 0xfb8022, 0xf56817, 0xec520f, 0xe04009, 0xd23105, 0xc02302, 0xac1701, 0x950d01, 0x7a0403,
];

impl ColourMap {
    pub const ALL: [Self; 4] = [Self::Inferno, Self::Viridis, Self::Turbo, Self::Grey];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inferno => "inferno",
            Self::Viridis => "viridis",
            Self::Turbo => "turbo",
            Self::Grey => "grey",
        }
    }

    /// The one after it; after the last the first.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// Red, green and blue for the values 0, 1/255 ... 1: within 3 of 255 of matplotlib's table.
    #[must_use]
    pub fn table(self) -> [[u8; 3]; 256] {
        by_level(|level| self.colour_at(level))
    }

    fn colour_at(self, level: u8) -> [u8; 3] {
        match self {
            Self::Inferno => interpolated(&INFERNO, level),
            Self::Viridis => interpolated(&VIRIDIS, level),
            Self::Turbo => interpolated(&TURBO, level),
            Self::Grey => [level; 3],
        }
    }
}

/// Linear between the two anchors around, rounded to the nearest.
fn interpolated(anchors: &[u32; ANCHORS], level: u8) -> [u8; 3] {
    let place = 32 * u16::from(level);
    let (first, share) = (usize::from(place / 255), u32::from(place % 255));
    let second = (first + 1).min(ANCHORS - 1);
    [16, 8, 0].map(|shift| {
        let [from, to] = [anchors[first], anchors[second]].map(|anchor| anchor >> shift & 0xff);
        ((from * (255 - share) + to * share + 127) / 255).to_le_bytes()[0]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::synthetic::{bytes, largest_difference};
    use super::*;

    #[test]
    fn colours_are_within_3_of_255_of_matplotlibs() {
        let made: Value = serde_json::from_str(include_str!("../../tests/fixtures/picture/colours.json")).unwrap();
        for map in ColourMap::ALL {
            let off = largest_difference(map.table().as_flattened(), &bytes(&made[map.name()]));
            assert!(off <= 3, "{}: {off}", map.name());
        }
    }

    #[test]
    fn the_next_one_leads_through_all_of_them() {
        let met: Vec<ColourMap> =
            std::iter::successors(Some(ColourMap::default()), |map| Some(map.next())).take(5).collect();
        assert_eq!(met[..4], ColourMap::ALL);
        assert_eq!(met[4], met[0]);
    }
}
