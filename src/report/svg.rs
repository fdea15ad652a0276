//! Draws a chart as SVG to stand within a page, whose style sheet colours it.

use super::chart::{Axis, Bar, Chart, Layer, Look, Shape};
use super::html::escape;

const LEFT: f64 = 54.0;
const RIGHT: f64 = 14.0;
const BELOW: f64 = 44.0;
/// Of the plot.
const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 230.0;
/// Of a line of the legend.
const LINE: f64 = 18.0;
/// Lines over epochs of at most so many points get a mark at each.
const MOST_MARKS: usize = 40;
/// Of the largest bubble.
const LARGEST: f64 = 14.0;

/// The chart as one `svg` element.
pub fn draw(chart: &Chart) -> String {
    let frame = Frame::of(chart);
    let (width, height) = (LEFT + WIDTH + RIGHT, frame.top + frame.height + BELOW);
    let layers: String = chart.layers.iter().map(|layer| frame.layer(layer)).collect();
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n<title>{}</title>\n{}{}{}{}</svg>\n",
        escape(&format!("{}. {}", chart.title, chart.words)),
        escape(chart.title),
        frame.horizontal(),
        frame.vertical(),
        layers,
        frame.legend(),
    )
}

/// Where the plot lies in its picture.
struct Frame<'a> {
    chart: &'a Chart,
    top: f64,
    height: f64,
}

impl<'a> Frame<'a> {
    fn of(chart: &'a Chart) -> Self {
        let named = u8::try_from(named(chart).count()).unwrap_or(u8::MAX);
        Self { chart, top: 10.0 + LINE * f64::from(named), height: if chart.square { WIDTH } else { HEIGHT } }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + WIDTH * along(&self.chart.x, value)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - along(&self.chart.y, value))
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }

    fn horizontal(&self) -> String {
        let bottom = self.bottom();
        let tick = |(value, text): (f64, String)| {
            let x = self.x(value);
            format!(
                "<path class=\"axis\" d=\"M{x:.1} {bottom:.1}v5\"/><text x=\"{x:.1}\" y=\"{:.1}\" \
                 text-anchor=\"middle\">{text}</text>\n",
                bottom + 19.0
            )
        };
        let ticks: String = self.chart.x.ticks().into_iter().map(tick).collect();
        format!(
            "<path class=\"axis\" d=\"M{LEFT} {bottom:.1}h{WIDTH}\"/>\n{ticks}<text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{}</text>\n",
            LEFT + WIDTH / 2.0,
            bottom + 38.0,
            escape(self.chart.x.label)
        )
    }

    fn vertical(&self) -> String {
        let tick = |(value, text): (f64, String)| {
            let y = self.y(value);
            format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}h{WIDTH}\"/><text x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{text}</text>\n",
                LEFT - 6.0,
                y + 4.0
            )
        };
        let ticks: String = self.chart.y.ticks().into_iter().map(tick).collect();
        format!(
            "<path class=\"axis\" d=\"M{LEFT} {:.1}v{:.1}\"/>\n{ticks}<text transform=\"translate(13 {:.1}) \
             rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
            self.top,
            self.height,
            self.top + self.height / 2.0,
            escape(self.chart.y.label)
        )
    }

    fn layer(&self, layer: &Layer) -> String {
        let class = class(layer.look);
        match &layer.shape {
            Shape::Line(points) => self.line(points, layer.look),
            Shape::Bars(bars) => bars.iter().map(|bar| self.bar(bar, class)).collect(),
            Shape::Bubbles(places) => places.iter().map(|place| self.bubble(place, class)).collect(),
            Shape::Ring(x, y) if x.is_finite() && y.is_finite() => {
                format!("<circle class=\"ring\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"6\"/>\n", self.x(*x), self.y(*y))
            }
            Shape::Upright(x) if x.is_finite() => {
                format!("<path class=\"line {class}\" d=\"M{:.1} {:.1}v{:.1}\"/>\n", self.x(*x), self.top, self.height)
            }
            Shape::Ring(..) | Shape::Upright(_) => String::new(),
        }
    }

    fn line(&self, points: &[(f64, f64)], look: Look) -> String {
        let stretches = points.split(|(x, y)| !(x.is_finite() && y.is_finite())).filter(|part| !part.is_empty());
        let on_page = |part: &[(f64, f64)]| corners(part.iter().map(|&(x, y)| (tenth(self.x(x)), tenth(self.y(y)))));
        let path = |part: &[(f64, f64)]| {
            let places: Vec<String> = on_page(part).iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            format!("<path class=\"line {}\" d=\"M{}\"/>\n", class(look), places.join("L"))
        };
        let marks = self.chart.x.whole && points.len() <= MOST_MARKS && look != Look::Reference;
        let marked = points.iter().filter(|(x, y)| marks && x.is_finite() && y.is_finite());
        let marks: String = marked.map(|&(x, y)| mark((self.x(x), self.y(y)), look)).collect();
        stretches.map(path).collect::<String>() + &marks
    }

    fn bar(&self, bar: &Bar, class: &str) -> String {
        let (left, right, top) = (self.x(bar.from), self.x(bar.to), self.y(bar.height));
        if bar.height.is_nan() || bar.height <= 0.0 {
            return String::new();
        }
        format!(
            "<rect class=\"bar {class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\n",
            right - left,
            self.bottom() - top
        )
    }

    fn bubble(&self, &(x, y, share): &(f64, f64, f64), class: &str) -> String {
        let radius = 2.0 + (LARGEST - 2.0) * share.max(0.0).sqrt();
        let (x, y) = (self.x(x), self.y(y));
        format!("<circle class=\"bubble {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>\n")
    }

    fn legend(&self) -> String {
        let mut y = 4.0 - LINE / 2.0;
        let entry = |layer: &Layer| {
            y += LINE;
            let name = escape(&layer.name);
            sample(layer, y) + &format!("<text x=\"{:.1}\" y=\"{:.1}\">{name}</text>\n", LEFT + 36.0, y + 4.0)
        };
        named(self.chart).map(entry).collect()
    }
}

/// The layers that the legend names.
fn named(chart: &Chart) -> impl Iterator<Item = &Layer> {
    chart.layers.iter().filter(|layer| !layer.name.is_empty())
}

/// How far along an axis, 0 to 1.
fn along(axis: &Axis, value: f64) -> f64 {
    if axis.high > axis.low { ((value - axis.low) / (axis.high - axis.low)).clamp(0.0, 1.0) } else { 0.5 }
}

const fn class(look: Look) -> &'static str {
    match look {
        Look::First => "first",
        Look::Second => "second",
        Look::Reference => "reference",
    }
}

/// A small piece of the layer, for the legend.
fn sample(layer: &Layer, y: f64) -> String {
    let class = class(layer.look);
    let middle = LEFT + 14.0;
    match &layer.shape {
        Shape::Line(_) | Shape::Upright(_) => format!("<path class=\"line {class}\" d=\"M{LEFT} {y:.1}h28\"/>\n"),
        Shape::Bars(_) => {
            format!(
                "<rect class=\"bar {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"20\" height=\"11\"/>\n",
                LEFT + 4.0,
                y - 6.0
            )
        }
        Shape::Bubbles(_) => format!("<circle class=\"bubble {class}\" cx=\"{middle:.1}\" cy=\"{y:.1}\" r=\"6\"/>\n"),
        Shape::Ring(..) => format!("<circle class=\"ring\" cx=\"{middle:.1}\" cy=\"{y:.1}\" r=\"6\"/>\n"),
    }
}

/// A dot, or a hollow square.
fn mark((x, y): (f64, f64), look: Look) -> String {
    if look == Look::First {
        return format!("<circle class=\"dot first\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\n");
    }
    format!("<rect class=\"hollow\" x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\"/>\n", x - 3.0, y - 3.0)
}

/// To a tenth of a pixel, as it is written.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Points without those in the middle of an upright or level line: a curve of many steps has few corners on a page.
fn corners(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let same = |a: f64, b: f64| (a - b).abs() < 0.05;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if let [.., a, b] = kept[..]
            && ((same(a.0, b.0) && same(b.0, x)) || (same(a.1, b.1) && same(b.1, y)))
        {
            kept.pop();
        }
        kept.push((x, y));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Chart {
        let layer = Layer { name: "a <b>".into(), look: Look::First, shape: Shape::Line(points) };
        Chart {
            title: "T",
            words: "\"words\"".into(),
            square: false,
            x: Axis::epochs(1),
            y: Axis::share("y"),
            layers: vec![layer],
        }
    }

    #[test]
    fn a_chart_without_points_has_its_axes_and_no_line() {
        let drawn = draw(&chart(Vec::new()));
        assert!(drawn.contains("<title>T</title>") && drawn.contains(">0.2</text>"), "{drawn}");
        assert_eq!(drawn.matches("class=\"line first\"").count(), 1, "the legend's");
        assert!(!drawn.contains("<circle") && !drawn.contains("NaN"), "{drawn}");
    }

    #[test]
    fn one_point_is_seen_as_a_dot() {
        let drawn = draw(&chart(vec![(1.0, 0.5)]));
        assert!(drawn.contains("<circle class=\"dot first\" cx=\"224.0\""), "{drawn}");
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let drawn = draw(&chart(vec![(1.0, 0.1), (1.0, f64::NAN), (f64::INFINITY, 0.2), (1.0, 0.3)]));
        assert_eq!(drawn.matches("class=\"line first\" d=\"M").count(), 3, "two stretches and the legend");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }

    #[test]
    fn names_are_escaped() {
        let drawn = draw(&chart(Vec::new()));
        assert!(drawn.contains("a &lt;b&gt;") && drawn.contains("&quot;words&quot;"), "{drawn}");
    }

    #[test]
    fn a_staircase_keeps_its_corners_alone() {
        let steps = [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 2.0), (2.0, 2.0), (3.0, 4.0)];
        assert_eq!(corners(steps.into_iter()), [(0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (3.0, 4.0)]);
    }
}
