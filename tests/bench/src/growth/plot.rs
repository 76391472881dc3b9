//! Plots as SVG: two logarithmic axes, a line for each series, its name at the line's end, which is the
//! legend.

#![forbid(unsafe_code)]

use super::figures::Unit;
use std::fmt::Write as _;

/// One line of a plot.
#[derive(Debug)]
pub struct Series {
    /// What stands at its end.
    pub label: &'static str,
    /// Size and number.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 350.0;
/// Labels nearer than this would lie on each other.
const LABEL: f64 = 15.0;
/// Told apart in light and dark, and by those who see red and green alike.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#b3589a", "#c08a00", "#6a7f8c"];
/// The background is the plot's own, so that it is legible on whatever page it stands.
const STYLE: &str = "<style>\
    rect{fill:#fff}text{fill:#24292f;font:12px sans-serif}.title{font-size:14px;font-weight:bold}.grid{stroke:#d8dee4;stroke-width:1}\
    @media(prefers-color-scheme:dark){rect{fill:#0d1117}text{fill:#e6edf3}.grid{stroke:#30363d}}\
    </style>";

/// A logarithmic axis.
struct Axis {
    /// The logarithms of its ends.
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(numbers: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = numbers
            .map(f64::log10)
            .fold((f64::MAX, f64::MIN), |(low, high), number| (low.min(number), high.max(number)));
        Self { low, high, from, to }
    }

    /// The same, on to the next whole decade at both ends.
    fn whole(self) -> Self {
        let low = self.low.floor();
        Self { low, high: self.high.ceil().max(low + 1.0), ..self }
    }

    fn at(&self, number: f64) -> f64 {
        // Of one size alone there is no length.
        let length = (self.high - self.low).max(f64::EPSILON);
        self.from + (number.log10() - self.low) / length * (self.to - self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        // A few tens at most: they fit.
        (self.low as i32..=self.high as i32).map(|decade| 10_f64.powi(decade))
    }
}

/// A plot, if there is anything to see.
#[must_use]
pub fn draw(title: &str, across: &str, unit: Unit, series: &[Series]) -> Option<String> {
    let points = || series.iter().flat_map(|series| &series.points);
    let positive = points().all(|(size, number)| *size > 0.0 && *number > 0.0);
    if points().next().is_none() || !positive {
        return None;
    }
    let x = Axis::over(points().map(|point| point.0), LEFT, RIGHT);
    let y = Axis::over(points().map(|point| point.1), BOTTOM, TOP).whole();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>{title} by {across}</title>{STYLE}\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"22\">{title}</text>\n"
    );
    text(&mut svg, (LEFT + RIGHT) / 2.0, HEIGHT - 12.0, "middle", across);
    let middle = (TOP + BOTTOM) / 2.0;
    let _ = writeln!(
        svg,
        "<text transform=\"translate(16 {middle}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        unit.word()
    );
    let mut sizes: Vec<f64> = points().map(|point| point.0).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    for size in sizes {
        grid(&mut svg, (x.at(size), BOTTOM), (x.at(size), TOP));
        text(&mut svg, x.at(size), BOTTOM + 17.0, "middle", &with_commas(size));
    }
    for decade in y.decades() {
        grid(&mut svg, (LEFT, y.at(decade)), (RIGHT, y.at(decade)));
        text(&mut svg, LEFT - 6.0, y.at(decade) + 4.0, "end", &round(unit, decade));
    }
    let ends: Vec<f64> = series
        .iter()
        .map(|series| series.points.last().map_or(BOTTOM, |point| y.at(point.1)))
        .collect();
    let heights = apart(&ends);
    for ((series, height), colour) in series.iter().zip(heights).zip(COLOURS.iter().cycle()) {
        let path: Vec<String> =
            series.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x.at(*a), y.at(*b))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for (a, b) in &series.points {
            let (a, b) = (x.at(*a), y.at(*b));
            let _ =
                writeln!(svg, "<circle cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let end = series.points.last().map_or(RIGHT, |point| x.at(point.0));
        // In the text's own colour, which is legible; a mark in the line's leads to it.
        let _ = writeln!(
            svg,
            "<line x1=\"{:.1}\" y1=\"{height:.1}\" x2=\"{:.1}\" y2=\"{height:.1}\" stroke=\"{colour}\" stroke-width=\"3\"/>",
            end.max(RIGHT) + 6.0,
            end.max(RIGHT) + 18.0
        );
        text(&mut svg, end.max(RIGHT) + 22.0, height + 4.0, "start", series.label);
    }
    svg += "</svg>\n";
    Some(svg)
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let _ =
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

fn grid(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line class=\"grid\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// A decade in the largest unit that leaves it at least one.
fn round(unit: Unit, number: f64) -> String {
    let units: &[(f64, &str)] = match unit {
        Unit::Time => &[(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")],
        Unit::Bytes => &[(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")],
    };
    let fits = units.iter().find(|(one, _)| number >= *one * 0.999);
    fits.map_or(number.to_string(), |(one, name)| format!("{:.0} {name}", number / one))
}

/// 1,000 and so on.
#[must_use]
pub fn with_commas(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Heights for labels near those wanted, none on another.
fn apart(wanted: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    let of = |index: &usize| wanted.get(*index).copied().unwrap_or(BOTTOM);
    order.sort_by(|a, b| of(b).total_cmp(&of(a)));
    let mut heights = wanted.to_vec();
    let mut free = f64::MAX;
    for index in order {
        let height = of(&index).min(free);
        free = height - LABEL;
        if let Some(place) = heights.get_mut(index) {
            *place = height;
        }
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(label: &'static str, numbers: [f64; 2]) -> Series {
        Series { label, points: vec![(1_000.0, numbers[0]), (500_000.0, numbers[1])] }
    }

    #[test]
    fn a_point_lies_elsewhere_or_outside_of_the_plot() {
        let lines = [series("a", [100.0, 1_000.0]), series("b", [200.0, 990.0])];
        let svg = draw("Title", "users", Unit::Time, &lines).expect("a plot");
        // The sizes are the ends of one axis, 100 ns and 1 us those of the other.
        let line = format!("points=\"{LEFT:.1},{BOTTOM:.1} {RIGHT:.1},{TOP:.1}\"");
        assert!(svg.contains(&line), "{svg}");
        assert!(svg.contains(">1,000<") && svg.contains(">500,000<"), "{svg}");
        assert!(svg.contains(">100 ns<") && svg.contains(">1 us<"), "{svg}");
        assert!(svg.len() < 8_000, "{} bytes", svg.len());
    }

    #[test]
    fn labels_lie_on_each_other() {
        let heights = apart(&[100.0, 101.0, 99.0, 200.0]);
        let mut sorted = heights.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|two| two[1] - two[0] >= LABEL), "{heights:?}");
        assert_eq!(heights[3], 200.0);
    }

    #[test]
    fn a_plot_is_drawn_of_nothing() {
        assert_eq!(draw("Title", "users", Unit::Time, &[]), None);
        assert_eq!(draw("Title", "users", Unit::Time, &[series("a", [0.0, 1.0])]), None);
    }
}
