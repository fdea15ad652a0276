//! Which of several candidates did best, by validation figures alone.

use std::cmp::Ordering;

use super::{Criterion, EpochFigures};

/// What a candidate's runs scored, over its seeds: the mean of what their best epochs are judged by, as
/// [`EpochFigures::merit`] has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score([f64; 2]);

impl Score {
    /// Of the best epoch of each seed's run; `None` where one has none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a few seeds")]
    pub fn of(best: &[Option<EpochFigures>], by: Criterion) -> Option<Self> {
        let merits: Vec<[f64; 2]> =
            best.iter().map(|epoch| epoch.as_ref().map(|epoch| epoch.merit(by))).collect::<Option<_>>()?;
        let mean = |at: usize| merits.iter().map(|merit| merit[at]).sum::<f64>() / merits.len() as f64;
        (!merits.is_empty()).then(|| Self([mean(0), mean(1)]))
    }

    /// The better one first.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        other.0[0].total_cmp(&self.0[0]).then_with(|| other.0[1].total_cmp(&self.0[1]))
    }
}

/// The best epoch, as a run itself chooses it.
#[must_use]
pub fn best_epoch(epochs: &[EpochFigures], by: Criterion) -> Option<EpochFigures> {
    epochs.iter().copied().reduce(|best, epoch| if epoch.beats(&best, by) { epoch } else { best })
}

/// Places of the candidates, the best first; of equally good ones the earlier. Those without a score are not among them.
#[must_use]
pub fn ranking(scores: &[Option<Score>]) -> Vec<usize> {
    let mut places: Vec<(usize, Score)> =
        scores.iter().enumerate().filter_map(|(place, score)| Some((place, (*score)?))).collect();
    places.sort_by(|(_, a), (_, b)| a.compare(b));
    places.into_iter().map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Confusion, Figures};

    fn epoch(epoch: usize, right: u64, loss: f64) -> EpochFigures {
        let confusion = Confusion { tn: right, fp: 10 - right, fn_: 0, tp: 0 };
        let validation = Figures { loss: Some(loss), confusion };
        EpochFigures { epoch, train: Figures::default(), validation, seconds: 1.0, shifted: None, weights: None }
    }

    #[test]
    fn the_best_epoch_is_the_one_that_a_run_chooses() {
        let epochs = [epoch(1, 5, 0.1), epoch(2, 9, 0.5), epoch(3, 9, 0.4), epoch(4, 9, 0.4)];
        assert_eq!(best_epoch(&epochs, Criterion::Accuracy).unwrap().epoch, 3);
        assert_eq!(best_epoch(&[], Criterion::Accuracy), None);
    }

    #[test]
    fn candidates_are_ranked_by_accuracy_then_loss_then_place() {
        let score = |accuracy: f64, loss: f64| Some(Score([accuracy, -loss]));
        let scores = [score(0.8, 0.1), None, score(0.9, 0.5), score(0.9, 0.4), score(0.9, 0.4)];
        assert_eq!(ranking(&scores), [3, 4, 2, 0]);
    }

    #[test]
    fn a_score_is_the_mean_over_seeds_and_needs_all_of_them() {
        let score = Score::of(&[Some(epoch(1, 8, 0.2)), Some(epoch(1, 9, 0.4))], Criterion::Accuracy).unwrap();
        assert!((score.0[0] - 0.85).abs() < 1e-12 && (score.0[1] + 0.3).abs() < 1e-12);
        assert_eq!(Score::of(&[Some(epoch(1, 8, 0.2)), None], Criterion::Accuracy), None);
        assert_eq!(Score::of(&[], Criterion::Accuracy), None);
    }
}
