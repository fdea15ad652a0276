//! What the networks tell of the images.

use std::collections::BTreeMap;

use super::{InspectScreen, OtherRun};
use crate::app::message::{Effect, Loadable, Told};

impl InspectScreen {
    /// Takes in what a run's network says of an image.
    pub(super) fn be_told(&mut self, (generation, index): (u64, usize), run_id: &str, told: Told) -> Vec<Effect> {
        match told {
            Told::Explained(explained) if self.is_other(run_id) => return self.see_heat(index, explained, true),
            _ if !self.is_shown(run_id) => {}
            Told::Logits(logits) => self.answer(index, logits, generation),
            Told::Explained(explained) => return self.see_heat(index, explained, false),
            Told::Checked(checked) => self.take_check(index, checked),
            Told::Warned(warnings) => self.warn(index, warnings),
        }
        Vec::new()
    }

    fn is_other(&self, run_id: &str) -> bool {
        self.other.as_ref().is_some_and(|other| other.id == run_id)
    }

    pub(super) fn is_shown(&self, run_id: &str) -> bool {
        self.run.as_ref().is_some_and(|shown| shown.id == run_id)
    }

    fn warn(&mut self, index: usize, warnings: Vec<String>) {
        if let Loadable::Ready(cases) = &mut self.cases
            && let Some(case) = cases.get_mut(index)
        {
            case.warnings = warnings;
        }
    }

    fn answer(&mut self, index: usize, answer: Result<([f32; 2], Option<f64>), String>, generation: u64) {
        match (answer, &mut self.cases) {
            (Ok((logits, disagreement)), Loadable::Ready(cases)) => {
                // What the run has in the store stays: a heat map brings an answer too, which another machine may round
                // otherwise.
                if let Some(case) = cases.get_mut(index).filter(|case| case.logits.is_none()) {
                    (case.logits, case.disagreement) = (Some(logits), disagreement);
                    self.auc = self.auc_of_answered();
                }
            }
            (Err(problem), _) if generation == self.generation => self.problem = Some(problem),
            _ => {}
        }
    }

    /// Takes in the answers of another run, for the images that both have.
    pub(super) fn hold_against(
        &mut self,
        other: Result<(OtherRun, BTreeMap<String, [f32; 2]>), String>,
    ) -> Vec<Effect> {
        match (other, &mut self.cases) {
            (Ok((other, answers)), Loadable::Ready(cases)) => {
                for case in cases.iter_mut() {
                    case.other = answers.get(&case.file).copied();
                }
                (self.other, self.heat.other) = (Some(other), None);
                let effects = self.arrange_and_show();
                // With the heat map on, the other run's is wanted beside it now.
                return if effects.is_empty() && self.heat.class.is_some() { self.ask() } else { effects };
            }
            (Err(problem), _) => self.problem = Some(problem),
            (Ok(_), _) => {}
        }
        self.arrange_and_show()
    }

    /// Holds it against no other run any more.
    pub fn stand_alone(&mut self) -> Vec<Effect> {
        (self.other, self.heat.other) = (None, None);
        if let Loadable::Ready(cases) = &mut self.cases {
            for case in cases.iter_mut() {
                case.other = None;
            }
        }
        self.arrange_and_show()
    }

    /// Learns which images are nearly the same as one of another split; it holds for all splits of the run.
    pub(super) fn know_twins(&mut self, pairs: Vec<(String, String)>) {
        let twins = pairs.into_iter().flat_map(|(a, b)| [(a.clone(), b.clone()), (b, a)]).collect();
        self.twins = self.run.as_ref().map(|run| (run.id.clone(), twins));
        self.mark_twins();
        self.arrange();
    }

    pub(super) fn mark_twins(&mut self) {
        let twins = self.twins.as_ref().filter(|(of, _)| self.is_shown(of)).map(|(_, twins)| twins);
        let (Some(twins), Loadable::Ready(cases)) = (twins, &mut self.cases) else { return };
        for case in cases.iter_mut() {
            case.twin = twins.get(&case.file).cloned();
        }
    }
}
