//! Chooses the patient groups of validation: of each class as near the wanted share as whole groups allow.

use std::cmp::Ordering;

/// Images a class.
pub(super) type Counts = [usize; 2];

/// `true` for each group that is chosen. Of equally good choices, groups that come earlier are taken.
///
/// Single groups go in or out while that brings the choice nearer, which settles those with images of both classes and
/// keeps the rules; then the groups of one class alone are chosen anew, exactly.
pub(super) fn choose(groups: &[Counts], fraction: f64) -> Vec<bool> {
    let goal = Goal::new(groups, fraction);
    let mut chosen = approach(groups, &goal);
    for class in [0, 1] {
        choose_exactly(groups, &goal, class, &mut chosen);
    }
    chosen
}

/// How far a choice is from the goal: first how many rules it breaks, then how far the share is off.
type Distance = (usize, f64);

/// What a good choice has: near the fraction of each class, but neither all of its images nor, of two or more groups, none.
struct Goal {
    fraction: f64,
    totals: Counts,
    /// Groups that hold a class.
    holders: Counts,
}

impl Goal {
    fn new(groups: &[Counts], fraction: f64) -> Self {
        let sum =
            |of: fn(usize) -> usize| [0, 1].map(|class: usize| groups.iter().map(|counts| of(counts[class])).sum());
        Self { fraction, totals: sum(|count| count), holders: sum(|count| usize::from(count > 0)) }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of images")]
    fn distance(&self, class: usize, taken: usize) -> Distance {
        let total = self.totals[class];
        if total == 0 {
            return (0, 0.0);
        }
        let breaks = taken == total || (taken == 0 && self.holders[class] > 1);
        (usize::from(breaks), (taken as f64 / total as f64 - self.fraction).abs())
    }

    fn is_only_group(&self, group: &Counts) -> bool {
        [0, 1].into_iter().any(|class: usize| group[class] > 0 && self.holders[class] == 1)
    }

    fn distance_of_both(&self, taken: Counts) -> Distance {
        let [a, b] = [0, 1].map(|class: usize| self.distance(class, taken[class]));
        (a.0 + b.0, a.1 + b.1)
    }
}

/// Takes groups in and out, one at a time, while that is nearer to the goal. The only group of a class stays out.
///
/// It ends with no rule broken: of a class that breaks one there is always a group whose move mends it and breaks no
/// other, since two classes of two groups or more share either two groups or at most one.
fn approach(groups: &[Counts], goal: &Goal) -> Vec<bool> {
    let mut chosen = vec![false; groups.len()];
    let mut taken = [0; 2];
    loop {
        let before = taken;
        for (group, chosen) in groups.iter().zip(&mut chosen).filter(|(group, _)| !goal.is_only_group(group)) {
            let moved = [0, 1]
                .map(|class: usize| if *chosen { taken[class] - group[class] } else { taken[class] + group[class] });
            if goal.distance_of_both(moved) < goal.distance_of_both(taken) {
                *chosen = !*chosen;
                taken = moved;
            }
        }
        if taken == before {
            return chosen;
        }
    }
}

/// Chooses anew among the groups of `class` alone, which leaves the other class as it was.
fn choose_exactly(groups: &[Counts], goal: &Goal, class: usize, chosen: &mut [bool]) {
    let alone: Vec<usize> =
        (0..groups.len()).filter(|&index| groups[index][class] > 0 && groups[index][1 - class] == 0).collect();
    let sizes: Vec<usize> = alone.iter().map(|&index| groups[index][class]).collect();
    for &index in &alone {
        chosen[index] = false;
    }
    let fixed: usize = groups.iter().zip(&*chosen).filter(|(_, chosen)| **chosen).map(|(group, _)| group[class]).sum();
    for place in nearest_subset(&sizes, |sum| goal.distance(class, fixed + sum)) {
        chosen[alone[place]] = true;
    }
}

/// The places of the sizes whose sum has the least distance, from as far in front as can be.
fn nearest_subset(sizes: &[usize], distance: impl Fn(usize) -> Distance) -> Vec<usize> {
    let nearer = |a: &usize, b: &usize| distance(*a).partial_cmp(&distance(*b)).unwrap_or(Ordering::Equal);
    let total: usize = sizes.iter().sum();
    let ideal = (0..=total).min_by(nearer).unwrap_or(0);
    // A sum that is further beyond can lose a size and be nearer.
    let most = total.min(ideal + sizes.iter().max().copied().unwrap_or(0));
    // The first size that completes each sum together with some before it.
    let mut last = vec![None; total + 1];
    let mut reached = 0;
    for (place, size) in sizes.iter().enumerate() {
        if ideal == 0 || last[ideal].is_some() {
            break;
        }
        reached = most.min(reached + size);
        for sum in (*size..=reached).rev() {
            if last[sum].is_none() && (sum == *size || last[sum - size].is_some()) {
                last[sum] = Some(place);
            }
        }
    }
    let mut sum = (0..=total).filter(|&sum| sum == 0 || last[sum].is_some()).min_by(nearer).unwrap_or(0);
    let mut places = Vec::new();
    while let Some(place) = last[sum] {
        places.push(place);
        sum -= sizes[place];
    }
    places
}
