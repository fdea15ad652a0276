//! Images in the order of their margins: what each threshold would give, and the curves of that.

use super::confusion::Confusion;
use super::{Case, Threshold};

/// Images by falling margin.
#[derive(Debug, Clone)]
pub struct Ranking {
    cases: Vec<Case>,
}

/// What calling PNEUMONIA all images above a threshold gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// Between the images that it parts.
    pub threshold: Threshold,
    pub confusion: Confusion,
}

impl Ranking {
    /// `None` where a margin is no finite number: such images have no place.
    #[must_use]
    pub fn of(cases: &[Case]) -> Option<Self> {
        let mut cases = cases.to_vec();
        cases.sort_by(|a, b| b.margin.total_cmp(&a.margin));
        cases.iter().all(|case| case.margin.is_finite()).then_some(Self { cases })
    }

    /// Area under the ROC curve: the share of pairs of one PNEUMONIA and one NORMAL image in which the PNEUMONIA image has
    /// the larger margin, equal ones counted half. `None` where a class has no image.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        self.weighted_auc(|_| 1)
    }

    /// The same where an image counts `weight` times.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs stay far below 2^53")]
    pub fn weighted_auc(&self, weight: impl Fn(&Case) -> u64) -> Option<f64> {
        // Twice the pairs in order, so that a tie is a whole number.
        let (mut doubled, mut ill, mut healthy) = (0, 0, 0);
        for tied in self.ties() {
            let of_class = |truth| tied.iter().filter(|case| case.truth == truth).map(&weight).sum::<u64>();
            let (positives, negatives) = (of_class(true), of_class(false));
            doubled += negatives * (2 * ill + positives);
            ill += positives;
            healthy += negatives;
        }
        (ill * healthy > 0).then(|| doubled as f64 / (2 * ill * healthy) as f64)
    }

    /// Area under the precision-recall curve as its steps (average precision); `None` without PNEUMONIA images.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        let cuts = self.cuts();
        let step = |pair: &[Cut]| {
            let gained = pair[1].confusion.recall()? - pair[0].confusion.recall()?;
            Some(gained * pair[1].confusion.precision()?)
        };
        cuts.last()?.confusion.recall()?;
        cuts.windows(2).map(step).sum()
    }

    /// What every possible threshold gives, from the one that calls no image PNEUMONIA to the one that calls all so.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut> {
        let ill = self.cases.iter().filter(|case| case.truth).count() as u64;
        let mut confusion = Confusion { tn: self.cases.len() as u64 - ill, fn_: ill, ..Confusion::default() };
        let mut above = self.cases.first().map_or(0.0, |case| case.margin + 2.0);
        let mut cuts = Vec::new();
        for tied in self.ties() {
            cuts.push(Cut { threshold: Threshold { margin: f64::midpoint(above, tied[0].margin) }, confusion });
            above = tied[0].margin;
            for case in tied {
                confusion.move_up(case.truth);
            }
        }
        cuts.push(Cut { threshold: Threshold { margin: above - 1.0 }, confusion });
        cuts
    }

    /// Points (1 - specificity, sensitivity) from (0, 0) to (1, 1); none where a class has no image.
    #[must_use]
    pub fn roc(&self) -> Vec<(f64, f64)> {
        let point = |cut: Cut| Some((1.0 - cut.confusion.specificity()?, cut.confusion.recall()?));
        self.cuts().into_iter().filter_map(point).collect()
    }

    /// Points (recall, precision) by rising recall; none without PNEUMONIA images.
    #[must_use]
    pub fn precision_recall(&self) -> Vec<(f64, f64)> {
        let point = |cut: Cut| Some((cut.confusion.recall()?, cut.confusion.precision()?));
        self.cuts().into_iter().filter_map(point).collect()
    }

    /// Runs of equal margins.
    fn ties(&self) -> impl Iterator<Item = &[Case]> {
        self.cases.chunk_by(|a, b| a.margin <= b.margin)
    }
}
