//! How the answers part the classes: curves whose points, bars and cells open the images behind them.

use super::InspectScreen;
use super::case::Verdict;
use super::order::Order;
use super::pane::Pane;
use crate::app::action::Action;
use crate::app::message::Effect;
use crate::dataset::Class;
use crate::metrics::calibration::{BINS, Bin, reliability};
use crate::metrics::ranking::{Cut, Ranking};
use crate::metrics::{self, Confusion};

/// One of the charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chart {
    #[default]
    Roc,
    PrecisionRecall,
    Reliability,
    Matrix,
}

impl Chart {
    pub const ALL: [Self; 4] = [Self::Roc, Self::PrecisionRecall, Self::Reliability, Self::Matrix];

    /// On screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Roc => "ROC curve",
            Self::PrecisionRecall => "Precision-recall curve",
            Self::Reliability => "Reliability",
            Self::Matrix => "Confusion matrix",
        }
    }

    /// The one after or before, in a ring.
    fn stepped(self, forward: bool) -> Self {
        let step = if forward { 1 } else { Self::ALL.len() - 1 };
        Self::ALL[(self as usize + step) % Self::ALL.len()]
    }
}

/// What of the curves is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CurvesView {
    pub chart: Chart,
    /// The chosen bar of the reliability curve, 0 to 14.
    pub bin: usize,
    /// The chosen cell of the matrix, in the order of [`Verdict::ALL`].
    pub cell: usize,
}

/// Images that a thing on the screen stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    Verdict(Verdict),
    /// A bar of the reliability curve.
    Bin(usize),
    /// A point of the ROC or the precision-recall curve, by its place among [`Curves::cuts`].
    Cut(usize),
}

/// Of all images that are answered and whose truth is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// From the threshold that calls no image PNEUMONIA to the one that calls all so.
    pub cuts: Vec<Cut>,
    /// By the probability of PNEUMONIA.
    pub bins: [Bin; BINS],
    pub average_precision: Option<f64>,
}

impl Curves {
    /// The place of the cut that calls as many images PNEUMONIA as these counts have.
    #[must_use]
    pub fn place(&self, counts: Confusion) -> usize {
        let called = |counts: Confusion| counts.tp + counts.fp;
        let place = self.cuts.partition_point(|cut| called(cut.confusion) < called(counts));
        place.min(self.cuts.len().saturating_sub(1))
    }
}

impl InspectScreen {
    /// `None` until images of both classes are answered.
    #[must_use]
    pub fn curves(&self) -> Option<Curves> {
        let cases = self.answered();
        let of_both = [true, false].iter().all(|truth| cases.iter().any(|case| case.truth == *truth));
        let ranking = Ranking::of(&cases).filter(|_| of_both)?;
        let bins = reliability(&cases, 1.0);
        Some(Curves { cuts: ranking.cuts(), average_precision: ranking.average_precision(), bins })
    }

    /// Answered images of known truth; whose they are is left out.
    pub(super) fn answered(&self) -> Vec<metrics::Case> {
        let case = |case: &super::case::Case| {
            let (margin, truth) = (metrics::margin(case.logits?), case.truth? == Class::Pneumonia);
            Some(metrics::Case { margin, truth, patient: 0, kind: None })
        };
        self.all().iter().filter_map(case).collect()
    }

    /// What keys do on the curves; `None` where they do the same as elsewhere on Inspect.
    pub(super) fn act_on_curves(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::Down | Action::Up => {
                self.curves.chart = self.curves.chart.stepped(action == Action::Down);
            }
            Action::CursorLeft | Action::CursorRight => return Some(self.move_on_chart(action == Action::CursorRight)),
            Action::Open => {
                let behind = self.behind_cursor()?;
                return Some(self.open_behind(behind));
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// On the curves of thresholds to the next point, which is tried; on the others to the next bar or cell.
    fn move_on_chart(&mut self, right: bool) -> Vec<Effect> {
        let moved = |at: usize, all: usize| if right { (at + 1).min(all - 1) } else { at.saturating_sub(1) };
        match self.curves.chart {
            Chart::Reliability => self.curves.bin = moved(self.curves.bin, BINS),
            Chart::Matrix => self.curves.cell = moved(self.curves.cell, Verdict::ALL.len()),
            Chart::Roc | Chart::PrecisionRecall => {
                let Some(curves) = self.curves() else { return Vec::new() };
                let to = moved(curves.place(self.confusions().1), curves.cuts.len());
                self.tried = Some(curves.cuts[to].threshold);
                return self.arrange_and_show();
            }
        }
        Vec::new()
    }

    fn behind_cursor(&self) -> Option<Behind> {
        Some(match self.curves.chart {
            Chart::Reliability => Behind::Bin(self.curves.bin),
            Chart::Matrix => Behind::Verdict(Verdict::ALL[self.curves.cell.min(Verdict::ALL.len() - 1)]),
            Chart::Roc | Chart::PrecisionRecall => Behind::Cut(self.curves()?.place(self.confusions().1)),
        })
    }

    /// Shows the images that something stands for, as small pictures. Those of a point of a curve are the ones about its
    /// threshold.
    pub fn open_behind(&mut self, behind: Behind) -> Vec<Effect> {
        let filter = match behind {
            Behind::Verdict(verdict) => verdict.key().to_owned(),
            Behind::Bin(bin) => filter_of(bin),
            Behind::Cut(cut) => {
                let Some(curves) = self.curves() else { return Vec::new() };
                let Some(cut) = curves.cuts.get(cut) else { return Vec::new() };
                (self.tried, self.list.view.order, self.list.view.turned) = (Some(cut.threshold), Order::Doubt, false);
                String::new()
            }
        };
        self.panes.show(Pane::Grid);
        self.list.set_filter(&filter);
        self.show_first()
    }
}

/// The images of a bar of the reliability curve.
#[expect(clippy::cast_precision_loss, reason = "15 bins")]
pub(super) fn filter_of(bin: usize) -> String {
    let [from, to] = [bin, bin + 1].map(|end| end as f64 / BINS as f64);
    // A probability of 1 is in the last bar.
    if bin + 1 == BINS { format!("p>={from:.6}") } else { format!("p>={from:.6} p<{to:.6}") }
}
