//! Pictures in cells: their place, their colours, and how near to the picture each kind of cell comes.

#![allow(clippy::cast_precision_loss, reason = "counts of pixels")]

use std::path::Path;
use std::time::Instant;

use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Color;

use super::cell::{QUADRANTS, sextant};
use super::parts::{ACROSS, DOWN};
use super::*;
use crate::app::sample;
use crate::app::scene::{Cells, Colours, Scene, ThemeName};
use crate::dataset::{GreyImage, format, resize};
use crate::ui::theme::Theme;

const KINDS: [Cells; 3] = [Cells::Half, Cells::Quadrants, Cells::Sextants];

fn true_colours(cells: Cells) -> Display {
    Display { colours: Colours::True, cells, ..Display::default() }
}

/// `picture` drawn in an area of this size, and the cells that it took.
fn drawn(picture: &Picture, (width, height): (u16, u16), display: Display) -> (Buffer, Rect) {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let theme = Theme { colours: display.colours, name: display.theme };
    let mut painter = Painter { buffer: &mut buffer, theme, display, scene: Scene::default() };
    let place = draw(&mut painter, area, picture);
    (buffer, place)
}

fn text(picture: &Picture, size: (u16, u16), display: Display) -> String {
    let (buffer, _) = drawn(picture, size, display);
    let lines = buffer.content.chunks(usize::from(size.0));
    lines.map(|line| line.iter().map(Cell::symbol).collect::<String>().trim_end().to_owned() + "\n").collect()
}

/// Which parts of a cell a symbol fills.
fn filled(symbol: char) -> [bool; ACROSS * DOWN] {
    let by_block = |of: &dyn Fn(usize) -> char, blocks: usize| {
        let bits = (0..1 << blocks).find(|bits| of(*bits) == symbol)?;
        let high = DOWN * ACROSS / blocks;
        Some(std::array::from_fn(|part| bits >> (part / ACROSS / high * ACROSS + part % ACROSS) & 1 == 1))
    };
    by_block(&|bits| QUADRANTS[bits], 4).or_else(|| by_block(&sextant, 6)).unwrap()
}

fn look(colour: Color) -> Rgb {
    match colour {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(entry @ 232..) => [8 + 10 * (entry - 232); 3],
        Color::Indexed(entry @ 16..) => {
            let steps = [(entry - 16) / 36, (entry - 16) / 6 % 6, (entry - 16) % 6];
            steps.map(|step| if step == 0 { 0 } else { 55 + 40 * step })
        }
        _ => panic!("{colour} looks as the terminal wants"),
    }
}

/// What the parts of a cell look like.
fn looks(cell: &Cell) -> [Rgb; ACROSS * DOWN] {
    let (ink, ground) = (look(cell.fg), look(cell.bg));
    filled(cell.symbol().chars().next().unwrap()).map(|filled| if filled { ink } else { ground })
}

fn squared(a: Rgb, b: Rgb) -> f64 {
    a.into_iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(b)).powi(2)).sum()
}

/// A picture of one cell's parts, `times` pixels each way for every part.
fn of_parts(parts: &[Rgb], times: usize) -> Picture {
    let (width, height) = (ACROSS * times, DOWN * times);
    let pixel = |at: usize| parts[at / width / times * ACROSS + at % width / times];
    Picture { width, height, pixels: (0..width * height).map(pixel).collect() }
}

/// The one cell that shows such a picture.
fn one(parts: &[Rgb], display: Display) -> Cell {
    drawn(&of_parts(parts, 3), (1, 1), display).0[(0, 0)].clone()
}

fn error(parts: &[Rgb], cell: &Cell) -> f64 {
    parts.iter().zip(looks(cell)).map(|(part, look)| squared(*part, look)).sum()
}

#[test]
fn a_square_picture_takes_twice_as_many_columns_as_rows() {
    assert_eq!(fitted(Rect::new(0, 0, 100, 20), (500, 500), None), Rect::new(30, 0, 40, 20));
    assert_eq!(fitted(Rect::new(0, 0, 20, 100), (500, 500), None), Rect::new(0, 45, 20, 10));
}

proptest! {
    #[test]
    fn a_picture_keeps_its_aspect_to_half_a_cell_whatever_shape_cells_have(
        size in (1..2000_u16, 1..2000_u16),
        area in (1..300_u16, 1..100_u16),
        cell in (3..30_u16, 5..60_u16),
    ) {
        let place = fitted(Rect::new(0, 0, area.0, area.1), (size.0.into(), size.1.into()), Some(cell));
        let (across, down) = (f64::from(cell.0), f64::from(cell.1));
        let (wide, high) = (f64::from(place.width) * across, f64::from(place.height) * down);
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        // One side fills the area; a side is never less than a cell.
        prop_assert!(place.width == area.0 || place.height == area.1);
        let off = if place.width == area.0 { high - wide * height / width } else { wide - high * width / height };
        let (short, of) = if place.width == area.0 { (place.height, down) } else { (place.width, across) };
        let both = place.width == area.0 && place.height == area.1;
        prop_assert!(off.abs() <= of / 2.0 + 1e-6 || short == 1 || both, "{:?}", place);
    }
}

#[test]
fn each_half_of_a_cell_is_the_mean_of_its_pixels() {
    let pixels = [[0, 0, 0], [100, 90, 80], [200, 200, 200], [220, 210, 200]].to_vec();
    let (buffer, _) = drawn(&Picture { width: 2, height: 2, pixels }, (1, 1), true_colours(Cells::Half));
    let cell = &buffer[(0, 0)];
    assert_eq!((cell.symbol(), cell.fg, cell.bg), ("▀", Color::Rgb(50, 45, 40), Color::Rgb(210, 205, 200)));
}

#[test]
fn the_sixths_have_their_places_in_unicode() {
    // From the names in the standard: BLOCK SEXTANT-1, -12, -35, -235, -1235, -246 (right half), -12346, -23456.
    let known = [
        (0b00_0001, '🬀'),
        (0b00_0011, '🬂'),
        (0b01_0100, '🬓'),
        (0b01_0110, '🬔'),
        (0b01_0111, '🬕'),
        (0b10_1010, '▐'),
        (0b10_1111, '🬬'),
        (0b11_1110, '🬻'),
    ];
    for (filled, symbol) in known {
        assert_eq!(sextant(filled), symbol, "{filled:06b}");
    }
}

#[test]
fn two_colours_in_blocks_are_shown_as_they_are() {
    let (dark, red) = ([0, 0, 0], [200, 30, 10]);
    for (cells, blocks) in [(Cells::Half, 2), (Cells::Quadrants, 4), (Cells::Sextants, 6)] {
        let across = if blocks == 2 { 1 } else { 2 };
        let high = DOWN * across / blocks;
        for bits in 0..1_usize << blocks {
            let block = |part: usize| part / ACROSS / high * across + part % ACROSS % across;
            let parts: Vec<Rgb> =
                (0..ACROSS * DOWN).map(|part| if bits >> block(part) & 1 == 1 { red } else { dark }).collect();
            assert_eq!(looks(&one(&parts, true_colours(cells))).to_vec(), parts, "{cells:?} {bits:b}");
        }
    }
}

#[test]
fn ascii_is_ascii_and_without_colours_ink_is_light_where_the_background_is_dark() {
    for colours in [Colours::None, Colours::Sixteen, Colours::Indexed, Colours::True] {
        let display = Display { ascii: true, colours, cells: Cells::Sextants, ..Display::default() };
        let (buffer, _) = drawn(&sample::picture(), (40, 15), display);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
        assert_eq!(buffer.content.iter().any(|cell| cell.bg != Color::Reset), colours != Colours::None);
    }
    let white = Picture { width: 1, height: 1, pixels: vec![[255; 3]] };
    let shown = |ascii, theme| {
        let display = Display { colours: Colours::None, ascii, theme, ..Display::default() };
        text(&white, (2, 1), display)
    };
    assert_eq!([shown(false, ThemeName::Dark), shown(false, ThemeName::Light)], ["██\n", "\n"]);
    assert_eq!([shown(true, ThemeName::Dark), shown(true, ThemeName::Light)], ["@@\n", "\n"]);
}

#[test]
fn a_chest_is_recognised_in_every_kind_of_cell() {
    let chest = sample::picture();
    for cells in KINDS {
        insta::assert_snapshot!(format!("{cells:?}"), text(&chest, (40, 15), true_colours(cells)));
    }
    let plain = Display { colours: Colours::None, ..Display::default() };
    insta::assert_snapshot!("without_colours", text(&chest, (40, 15), plain));
    insta::assert_snapshot!("without_colours_ascii", text(&chest, (40, 15), Display { ascii: true, ..plain }));
}

fn any_parts() -> impl Strategy<Value = Vec<Rgb>> {
    prop_oneof![
        prop::collection::vec(any::<Rgb>(), ACROSS * DOWN),
        prop::collection::vec(any::<u8>().prop_map(|level| [level; 3]), ACROSS * DOWN),
        // Of few colours, as flat regions have them.
        prop::collection::vec(prop::sample::select(vec![[10; 3], [13; 3], [200, 40, 0]]), ACROSS * DOWN),
    ]
}

proptest! {
    #[test]
    fn a_picture_of_any_shape_stays_in_its_area(
        size in (1..400_usize, 1..400_usize), area in (0..60_u16, 0..60_u16), cells in prop::sample::select(&KINDS[..])
    ) {
        let picture = Picture { width: size.0, height: size.1, pixels: vec![[128; 3]; size.0 * size.1] };
        let display = Display { colours: Colours::Indexed, cells, ..Display::default() };
        let (buffer, place) = drawn(&picture, area, display);
        prop_assert_eq!(place.intersection(buffer.area), place);
    }

    #[test]
    fn no_cell_is_farther_from_the_picture_than_its_two_halves(parts in any_parts()) {
        for colours in [Colours::True, Colours::Indexed] {
            let of = |cells| error(&parts, &one(&parts, Display { colours, cells, ..Display::default() }));
            let [half, quadrants, sextants] = KINDS.map(of);
            // Colours are whole numbers: a mean may be off by half of one in each channel.
            let rounding = if colours == Colours::True { 0.25 * 3.0 * 12.0 } else { 0.0 };
            prop_assert!(quadrants <= half + 0.01, "{colours:?}: {quadrants} {half}");
            prop_assert!(sextants <= half + 0.01, "{colours:?}: {sextants} {half}");
            prop_assert!(colours == Colours::Indexed || sextants <= quadrants + rounding, "{sextants} {quadrants}");
        }
    }
}

/// Twenty real X-rays at the size that Inspect has them in, spread over all; none where this machine has none.
fn real_xrays() -> Vec<Picture> {
    let root = env!("CARGO_MANIFEST_DIR").to_owned() + "/../shared/data/chest_xray";
    let root = std::env::var("XRAY_TUI_TEST_DATA").unwrap_or(root);
    let mut files: Vec<_> = ["NORMAL", "PNEUMONIA"]
        .iter()
        .flat_map(|class| std::fs::read_dir(Path::new(&root).join("test").join(class)).into_iter().flatten())
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "jpeg"))
        .collect();
    files.sort();
    let step = (files.len() / 20).max(1);
    let read = |path: &std::path::PathBuf| {
        let grey: GreyImage = format::decode(&std::fs::read(path).unwrap()).unwrap().grey;
        Picture::from(&resize::to_short_side(&grey, 768))
    };
    files.iter().step_by(step).take(20).map(read).collect()
}

/// What the cells look like at each pixel of the picture.
fn seen(picture: &Picture, buffer: &Buffer, place: Rect) -> Vec<Rgb> {
    let (across, down) = (usize::from(place.width) * ACROSS, usize::from(place.height) * DOWN);
    let mut lines = Vec::new();
    for row in place.rows() {
        let cells: Vec<_> = row.positions().map(|position| looks(&buffer[position])).collect();
        lines.extend(
            (0..DOWN).map(|y| cells.iter().flat_map(|cell| [cell[2 * y], cell[2 * y + 1]]).collect::<Vec<_>>()),
        );
    }
    let pixel = |at: usize| {
        let (x, y) = (at % picture.width, at / picture.width);
        lines[(2 * y + 1) * down / (2 * picture.height)][(2 * x + 1) * across / (2 * picture.width)]
    };
    (0..picture.pixels.len()).map(pixel).collect()
}

/// Peak signal-to-noise ratio in decibels.
fn ratio(picture: &Picture, seen: &[Rgb]) -> f64 {
    let all: f64 = picture.pixels.iter().zip(seen).map(|(pixel, look)| squared(*pixel, *look)).sum();
    10.0 * (255.0 * 255.0 * 3.0 * picture.pixels.len() as f64 / all).log10()
}

/// Each pixel `times` times each way, as a sharper file would have as many.
fn enlarged(picture: &Picture, times: usize) -> Picture {
    let (width, height) = (picture.width * times, picture.height * times);
    let pixel = |at: usize| picture.pixels[at / width / times * picture.width + at % width / times];
    Picture { width, height, pixels: (0..width * height).map(pixel).collect() }
}

/// The mean ratio, and the median of the milliseconds that drawing takes.
fn measured(pictures: &[Picture], size: (u16, u16), display: Display) -> (f64, f64) {
    let (mut sum, mut times) = (0.0, Vec::new());
    for picture in pictures {
        let start = Instant::now();
        let (buffer, place) = drawn(picture, size, display);
        times.push(start.elapsed().as_secs_f64() * 1e3);
        sum += ratio(picture, &seen(picture, &buffer, place));
    }
    times.sort_by(f64::total_cmp);
    (sum / pictures.len() as f64, times[times.len() / 2])
}

/// `XRAY_TUI_TEST_DATA=DIR cargo test --release --lib -- --ignored --nocapture near_to_real_xrays`
#[test]
#[ignore = "a measurement"]
fn cells_are_near_to_real_xrays() {
    let pictures = real_xrays();
    assert!(!pictures.is_empty(), "XRAY_TUI_TEST_DATA names no folder with X-rays");
    let sharper: Vec<Picture> = pictures.iter().map(|picture| enlarged(picture, 4)).collect();
    for (size, pictures) in
        [((42, 20), &pictures), ((82, 36), &pictures), ((164, 56), &pictures), ((200, 60), &sharper)]
    {
        for colours in [Colours::True, Colours::Indexed] {
            let all = KINDS.map(|cells| measured(pictures, size, Display { colours, cells, ..Display::default() }));
            for (cells, (ratio, time)) in KINDS.into_iter().zip(all) {
                println!(
                    "{} X-rays of {} x {} in {size:?}, {colours:?}, {cells:?}: {ratio:.2} dB, {time:.2} ms",
                    pictures.len(),
                    pictures[0].width,
                    pictures[0].height
                );
            }
            assert!(all.is_sorted_by_key(|(ratio, _)| *ratio), "finer cells are nearer");
        }
    }
}
