//! Decodes the shown image, its neighbours ahead, on one thread; predicts on another, so that no picture waits for it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;

use super::features::{Kept, Lists};
use super::networks::Networks;
use super::slot::Slot;
use crate::app::message::{Beside, Checked, Explained, InspectMessage, Message, Overlay, Placed, Shares, Told, View};
use crate::dataset::{Class, GreyImage, Split, resize};
use crate::picture::{HeatMap, Picture, fit, overlay};
use crate::predict::familiarity::{Warning, warnings};
use crate::predict::heat::at_input;
use crate::predict::placement::placement;
use crate::predict::{Prediction, Predictor, read_decoded, read_picture};
use crate::session::Workplace;
use crate::train::priority;
use crate::tui::wake::Outbox;

/// Pictures that are kept decoded.
const KEPT: usize = 8;

/// Longer side of what is shown, in pixels; more than a terminal can show.
const SHOWN_SIDE: usize = 1024;

pub const PANICKED: &str = "internal error while showing it; the log has the details";

/// The two threads' requests, newest first.
pub struct Viewer {
    pictures: Slot<View>,
    questions: Slot<Question>,
}

/// A prediction that is wanted.
struct Question {
    generation: u64,
    index: usize,
    file: PathBuf,
    /// What the run is asked.
    own: Option<Asked>,
    /// What the other run is asked.
    other: Option<Asked>,
}

/// What a run is asked about a picture, beside its answer.
struct Asked {
    run_id: String,
    /// Where it looks.
    explain: bool,
    /// What becomes of the answer when what is hot for this class is taken away.
    check: Option<Class>,
    /// Why the answer may mean little.
    warn: bool,
}

impl Asked {
    /// Why nothing can be said of what was asked.
    fn unanswered(&self, problem: &str) -> Vec<Told> {
        let problem = || problem.to_owned();
        let explained = self.explain.then(|| Told::Explained(Err(problem())));
        let checked = self.check.map(|_| Told::Checked(Err(problem())));
        [Some(Told::Logits(Err(problem()))), explained, checked].into_iter().flatten().collect()
    }
}

impl Viewer {
    pub fn start(place: Workplace, outbox: Outbox) -> Self {
        let viewer = Self { pictures: Slot::default(), questions: Slot::default() };
        let mut shelf = Shelf { slot: viewer.pictures.clone(), outbox: outbox.clone(), pictures: VecDeque::new() };
        let mut oracle = Oracle {
            slot: viewer.questions.clone(),
            place,
            outbox,
            networks: Networks::default(),
            gallery: Kept::default(),
            lists: Lists::default(),
        };
        // Without the threads Inspect shows no picture or no answer, and all else goes on.
        let _ = Builder::new().name("viewer".into()).spawn(move || shelf.work());
        let lowered = move || {
            priority::lower();
            oracle.work();
        };
        let _ = Builder::new().name("predict".into()).spawn(lowered);
        viewer
    }

    /// Replaces what was asked before.
    pub fn show(&self, view: View) {
        let asked = |run_id: String| Asked { run_id, explain: view.explain, check: view.check, warn: view.is_foreign };
        let own = view.predict_with.clone().map(asked);
        let other = view.explain_other.clone().map(|run_id| Asked { run_id, explain: true, check: None, warn: false });
        let is_wanted = own.is_some() || other.is_some();
        let (generation, index, file) = (view.generation, view.index, view.file.clone());
        self.questions.put(is_wanted.then_some(Question { generation, index, file, own, other }));
        self.pictures.put(Some(view));
    }
}

/// The newest pictures, the newest last.
struct Shelf {
    slot: Slot<View>,
    outbox: Outbox,
    pictures: VecDeque<(PathBuf, Arc<GreyImage>)>,
}

impl Shelf {
    fn work(&mut self) {
        loop {
            let view = self.slot.take();
            let picture = self.get(&view.file).map(|original| Arc::new(shown(&original, &view)));
            self.outbox.send(Message::Inspect(InspectMessage::Picture { generation: view.generation, picture }));
            for file in &view.neighbours {
                if self.slot.is_waiting() {
                    break;
                }
                // What is wrong with it is said when it is shown.
                let _ = self.get(file);
            }
        }
    }

    fn get(&mut self, file: &Path) -> Result<Arc<GreyImage>, String> {
        let kept = self.pictures.iter().position(|(path, _)| path == file).and_then(|at| self.pictures.remove(at));
        let entry = match kept {
            Some(entry) => entry,
            None => (file.to_owned(), decode(file)?),
        };
        let picture = Arc::clone(&entry.1);
        if self.pictures.len() == KEPT {
            self.pictures.pop_front();
        }
        self.pictures.push_back(entry);
        Ok(picture)
    }
}

pub fn decode(file: &Path) -> Result<Arc<GreyImage>, String> {
    catch_unwind(|| read_picture(file).map(Arc::new)).unwrap_or_else(|_| Err(PANICKED.to_owned()))
}

/// The part that is shown, with its look; contrast is made equal over the whole picture.
fn shown(original: &GreyImage, view: &View) -> Picture {
    let looked = if view.look.is_plain() { None } else { Some(view.look.apply(original)) };
    let looked = looked.as_ref().unwrap_or(original);
    let own = part(looked, view, view.heat.as_ref());
    match &view.beside {
        None => own,
        Some(Beside::Other(overlay)) => own.beside(&part(looked, view, Some(overlay))),
        Some(Beside::Input(side)) => {
            let square = resize::to_square(original, *side);
            let square = part(&square, view, view.heat.as_ref());
            let height = own.height.max(square.height);
            own.enlarged(height).beside(&square.enlarged(height))
        }
    }
}

/// The heat map is that of the network's square picture, stretched as that was.
fn part(picture: &GreyImage, view: &View, heat: Option<&Overlay>) -> Picture {
    let fitted = fit::grey(&view.part.cut(picture), SHOWN_SIDE, SHOWN_SIDE);
    let Some(Overlay { map, strength, colours }) = heat else { return Picture::from(&fitted) };
    let heat = map.cut(view.part, picture.width, picture.height);
    overlay(&fitted, &heat, *strength, *colours)
}

/// Why an answer for an image of the run itself may mean little.
fn of_the_run((split, file): &(Split, String)) -> String {
    let means = match split {
        Split::Train => "the run was trained on it",
        Split::Validation => "the run's epoch and threshold were chosen on it",
        Split::Test => "this look at it is not counted",
    };
    format!("{} image {file} of this run: {means}", split.name())
}

/// The same areas in the same random orders each time.
const CHECK_SEED: u64 = 0;

fn check(predictor: &Predictor, picture: &GreyImage, (map, class): (&HeatMap, Class)) -> Result<Checked, String> {
    let found = predictor.deletion(picture, (map, class), CHECK_SEED).map_err(|error| error.to_string())?;
    let caveat = found.caveat().map_or_else(String::new, |caveat| format!("; {caveat}"));
    let verdict = format!("{}{caveat}", found.verdict());
    let least = found.by_order.iter().copied().fold(f64::INFINITY, f64::min);
    let most = found.by_order.iter().copied().fold(0.0, f64::max);
    Ok(Checked { class, by_heat: found.by_heat, by_chance: [least, most], verdict })
}

/// Answers for images by the networks of runs.
struct Oracle {
    slot: Slot<Question>,
    place: Workplace,
    outbox: Outbox,
    networks: Networks,
    gallery: Kept,
    lists: Lists,
}

impl Oracle {
    fn work(&mut self) {
        loop {
            let Question { generation, index, file, own, other } = self.slot.take();
            for asked in own.into_iter().chain(other) {
                if !self.slot.is_waiting() {
                    self.tell((generation, index), &asked, &file);
                }
            }
        }
    }

    /// Tells what a run answers for a picture, and what else it is asked.
    fn tell(&mut self, (generation, index): (u64, usize), asked: &Asked, file: &Path) {
        let found = catch_unwind(AssertUnwindSafe(|| self.answer(asked, file)));
        let found = found.unwrap_or_else(|_| Err(PANICKED.to_owned()));
        for told in found.unwrap_or_else(|problem| asked.unanswered(&problem)) {
            let run_id = asked.run_id.clone();
            self.outbox.send(Message::Inspect(InspectMessage::Told { generation, run_id, index, told }));
        }
    }

    fn answer(&mut self, asked: &Asked, file: &Path) -> Result<Vec<Told>, String> {
        let decoded = read_decoded(file)?;
        let gallery = if asked.warn { self.gallery.open(&self.place, &asked.run_id) } else { None };
        let own = if asked.warn { self.lists.find(&self.place, &asked.run_id, file).map(of_the_run) } else { None };
        let predictor = self.networks.get(&self.place, &asked.run_id).map_err(|error| error.to_string())?;
        if !asked.explain && asked.check.is_none() && !asked.warn {
            let answer = predictor.predict(&decoded.grey).map_err(|error| error.to_string())?;
            return Ok(vec![Told::Logits(Ok((answer.logits, answer.disagreement)))]);
        }
        let found = predictor.explain(&decoded.grey).map_err(|error| error.to_string())?;
        let Prediction { logits, disagreement } = found.prediction;
        let mut told = vec![Told::Logits(Ok((logits, disagreement)))];
        if asked.warn {
            let unusual = warnings(&decoded, &found.features, gallery.as_deref());
            // Of the very same file more is known than that something looks like it.
            let is_own = own.is_some();
            let unusual = unusual.iter().filter(|warning| !(is_own && matches!(warning, Warning::Known(_))));
            told.push(Told::Warned(own.into_iter().chain(unusual.map(ToString::to_string)).collect()));
        }
        if let Some(class) = asked.check {
            told.push(Told::Checked(check(predictor, &decoded.grey, (&found.maps[class.index()], class))));
        }
        if asked.explain {
            // Last: what is told before is of the same picture, and the screen asks anew when the map comes.
            told.push(Told::Explained(Ok(explained(found.maps))));
        }
        Ok(told)
    }
}

/// Places a side at which it is reckoned where heat lies; finer changes nothing.
const MAP_SIDE: usize = 224;

fn explained(maps: [HeatMap; 2]) -> Explained {
    let shares = |map: &HeatMap| {
        let placement = placement(map)?;
        Some(Shares { border: placement.border, outside: placement.outside_lungs })
    };
    // One that is as hot everywhere would be scaled to nothing: it is made at its size.
    let even = HeatMap { width: MAP_SIDE, height: MAP_SIDE, values: vec![1.0; MAP_SIDE * MAP_SIDE] };
    let placed =
        maps.each_ref().map(|map| Some(Placed { own: shares(&at_input(map, MAP_SIDE))?, even: shares(&even)? }));
    Explained { maps: maps.map(Arc::new), placed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heat_map_is_placed_beside_an_even_one_and_one_without_heat_nowhere() {
        let map = |hot: f32| HeatMap { width: 7, height: 7, values: [vec![hot], vec![0.0; 48]].concat() };
        let explained = explained([map(0.0), map(1.0)]);
        assert_eq!(explained.placed[0], None);
        let placed = explained.placed[1].unwrap();
        assert!(placed.own.border > placed.even.border && placed.even.border > 0.1, "{placed:?}");
    }

    #[test]
    fn what_stands_beside_a_picture_is_as_high_as_it_is() {
        let original = GreyImage { width: 60, height: 40, pixels: vec![9; 2400] };
        let view = |beside| View {
            generation: 1,
            index: 0,
            file: PathBuf::new(),
            look: crate::picture::Look::default(),
            part: crate::picture::Part::WHOLE,
            heat: None,
            beside,
            explain: false,
            explain_other: None,
            check: None,
            is_foreign: false,
            predict_with: None,
            neighbours: Vec::new(),
        };
        let alone = shown(&original, &view(None));
        assert_eq!((alone.width, alone.height), (60, 40));
        let pair = shown(&original, &view(Some(Beside::Input(32))));
        assert_eq!((pair.width, pair.height), (60 + 1 + 40, 40), "a square of 32 pixels, made larger");
    }
}
