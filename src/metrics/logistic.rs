//! Logistic regression on a few plain features: what a network would have to beat.

/// A fitted regression: `margin = intercept + slopes . (features - means) / deviations`.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// Mean and deviation of each feature.
    scales: Vec<(f64, f64)>,
    /// The intercept, then a slope for each feature.
    weights: Vec<f64>,
}

/// A touch of L2 on the slopes, so that features which part the classes have a best fit.
const RIDGE: f64 = 1e-3;

impl Logistic {
    /// Fits rows of features by Newton's method; `None` where a class is missing or no feature varies.
    #[must_use]
    pub fn fit(rows: &[Vec<f64>], truths: &[bool]) -> Option<Self> {
        let features = rows.first()?.len();
        if truths.iter().all(|truth| *truth) || !truths.contains(&true) {
            return None;
        }
        let scales: Vec<_> = (0..features).map(|feature| scale(rows, feature)).collect();
        if scales.iter().all(|(_, deviation)| *deviation == 0.0) {
            return None;
        }
        let mut model = Self { scales, weights: vec![0.0; features + 1] };
        let rows: Vec<Vec<f64>> = rows.iter().map(|row| model.standard(row)).collect();
        for _ in 0..50 {
            let step = model.newton_step(&rows, truths)?;
            model.weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight -= step);
            if step.iter().all(|step| step.abs() < 1e-12) {
                break;
            }
        }
        model.weights.iter().all(|weight| weight.is_finite()).then_some(model)
    }

    /// Log odds of PNEUMONIA.
    #[must_use]
    pub fn margin(&self, row: &[f64]) -> f64 {
        dot(&self.weights, &self.standard(row))
    }

    /// 1, then the features at mean 0 and deviation 1. One that does not vary says nothing.
    fn standard(&self, row: &[f64]) -> Vec<f64> {
        let scaled = row.iter().zip(&self.scales).map(
            |(value, (mean, deviation))| {
                if *deviation > 0.0 { (value - mean) / deviation } else { 0.0 }
            },
        );
        std::iter::once(1.0).chain(scaled).collect()
    }

    /// What Newton's method takes off the weights.
    fn newton_step(&self, rows: &[Vec<f64>], truths: &[bool]) -> Option<Vec<f64>> {
        let n = self.weights.len();
        let mut gradient: Vec<f64> = self.weights.iter().map(|weight| RIDGE * weight).collect();
        gradient[0] = 0.0;
        let mut hessian = vec![vec![0.0; n]; n];
        (1..n).for_each(|i| hessian[i][i] = RIDGE);
        // Features that do not vary have no slope of their own.
        (1..n).filter(|i| self.scales[i - 1].1 == 0.0).for_each(|i| hessian[i][i] = 1.0);
        for (row, truth) in rows.iter().zip(truths) {
            let probability = super::sigmoid(dot(&self.weights, row));
            for i in 0..n {
                gradient[i] += (probability - f64::from(*truth)) * row[i];
                for j in 0..n {
                    hessian[i][j] += probability * (1.0 - probability) * row[i] * row[j];
                }
            }
        }
        solve(hessian, gradient)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
fn scale(rows: &[Vec<f64>], feature: usize) -> (f64, f64) {
    let n = rows.len() as f64;
    let mean = rows.iter().map(|row| row[feature]).sum::<f64>() / n;
    let variance = rows.iter().map(|row| (row[feature] - mean).powi(2)).sum::<f64>() / n;
    // What rounding makes of a constant is no variation.
    let deviation = variance.sqrt();
    (mean, if deviation > 1e-12 * mean.abs() { deviation } else { 0.0 })
}

/// Solves `a x = b` by elimination, largest pivot first; `None` where there is no one solution.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()))?;
        if a[pivot][column].abs() < 1e-300 {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..n {
            let factor = a[row][column] / a[column][column];
            let pivots = a[column].clone();
            a[row].iter_mut().zip(&pivots).skip(column).for_each(|(value, pivot)| *value -= factor * pivot);
            b[row] -= factor * b[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    Some(b)
}
