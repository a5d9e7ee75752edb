//! CVSS v3.0 and v3.1 (Specification Document, section 7 of v3.1 and 8 of v3.0).
//!
//! The formulas are computed with floating point, as powers of 15 leave no choice. Rounding is exact all the same: a
//! score stands right on a tenth, or much farther from it than floats err.

use super::CvssError;
use super::vector::{Metric, Value, read};

/// Which version 3 a vector is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Minor {
    Zero,
    One,
}

const AV: usize = 0;
const AC: usize = 1;
const PR: usize = 2;
const UI: usize = 3;
const S: usize = 4;
const C: usize = 5;
const I: usize = 6;
const A: usize = 7;
const E: usize = 8;
const RL: usize = 9;
const RC: usize = 10;
const CR: usize = 11;
const IR: usize = 12;
const AR: usize = 13;
/// The modified metrics stand in the order of those that they modify.
const MODIFIED: usize = 14;
const ALL: usize = MODIFIED + 8;

const UNDEFINED: &str = "X";
const CHANGED: &str = "C";

/// The metrics; weights are thousandths of the specification's, and those of `PR` for an unchanged scope.
static METRICS: [Metric; ALL] = [
    Metric::mandatory("AV", &[("N", 850), ("A", 620), ("L", 550), ("P", 200)]),
    Metric::mandatory("AC", &[("L", 770), ("H", 440)]),
    Metric::mandatory("PR", &[("N", 850), ("L", 620), ("H", 270)]),
    Metric::mandatory("UI", &[("N", 850), ("R", 620)]),
    Metric::mandatory("S", &[("U", 0), (CHANGED, 0)]),
    Metric::mandatory("C", &[("H", 560), ("L", 220), ("N", 0)]),
    Metric::mandatory("I", &[("H", 560), ("L", 220), ("N", 0)]),
    Metric::mandatory("A", &[("H", 560), ("L", 220), ("N", 0)]),
    Metric::optional("E", &[(UNDEFINED, 1000), ("H", 1000), ("F", 970), ("P", 940), ("U", 910)]),
    Metric::optional("RL", &[(UNDEFINED, 1000), ("U", 1000), ("W", 970), ("T", 960), ("O", 950)]),
    Metric::optional("RC", &[(UNDEFINED, 1000), ("C", 1000), ("R", 960), ("U", 920)]),
    Metric::optional("CR", &[(UNDEFINED, 1000), ("H", 1500), ("M", 1000), ("L", 500)]),
    Metric::optional("IR", &[(UNDEFINED, 1000), ("H", 1500), ("M", 1000), ("L", 500)]),
    Metric::optional("AR", &[(UNDEFINED, 1000), ("H", 1500), ("M", 1000), ("L", 500)]),
    Metric::optional("MAV", &[(UNDEFINED, 0), ("N", 850), ("A", 620), ("L", 550), ("P", 200)]),
    Metric::optional("MAC", &[(UNDEFINED, 0), ("L", 770), ("H", 440)]),
    Metric::optional("MPR", &[(UNDEFINED, 0), ("N", 850), ("L", 620), ("H", 270)]),
    Metric::optional("MUI", &[(UNDEFINED, 0), ("N", 850), ("R", 620)]),
    Metric::optional("MS", &[(UNDEFINED, 0), ("U", 0), (CHANGED, 0)]),
    Metric::optional("MC", &[(UNDEFINED, 0), ("H", 560), ("L", 220), ("N", 0)]),
    Metric::optional("MI", &[(UNDEFINED, 0), ("H", 560), ("L", 220), ("N", 0)]),
    Metric::optional("MA", &[(UNDEFINED, 0), ("H", 560), ("L", 220), ("N", 0)]),
];

/// The environmental score where the vector has such metrics, else the temporal, which without metrics is the base
/// score.
pub(super) fn tenths(text: &str, minor: Minor) -> Result<u8, CvssError> {
    let vector = Vector { values: read(text, &METRICS)?, minor };
    let score =
        if (CR..ALL).any(|metric| vector.defined(metric).is_some()) { vector.environmental() } else { vector.base() };
    Ok(vector.round_up(f64::from(score) / 10.0 * vector.temporal()))
}

struct Vector {
    values: [Option<Value>; ALL],
    minor: Minor,
}

impl Vector {
    fn defined(&self, metric: usize) -> Option<Value> {
        self.values[metric].filter(|value| value.name != UNDEFINED)
    }

    /// The weight of a metric that may be left out.
    fn factor(&self, metric: usize) -> f64 {
        self.values[metric].map_or(1.0, weight)
    }

    fn temporal(&self) -> f64 {
        self.factor(E) * self.factor(RL) * self.factor(RC)
    }

    fn base(&self) -> u8 {
        let impact =
            1.0 - [C, I, A].map(|metric| 1.0 - self.values[metric].map_or(0.0, weight)).iter().product::<f64>();
        let is_changed = self.values[S].is_some_and(|value| value.name == CHANGED);
        let impact = match is_changed {
            true => 7.52 * (impact - 0.029) - 3.25 * power(impact - 0.02, 15),
            false => 6.42 * impact,
        };
        self.combine(impact, exploitability([AV, AC, PR, UI].map(|metric| self.values[metric]), is_changed), is_changed)
    }

    /// The environmental score before temporal metrics.
    fn environmental(&self) -> u8 {
        let modified = |metric: usize| self.defined(MODIFIED + metric).or(self.values[metric]);
        let lost = |(damage, required)| 1.0 - self.factor(required) * modified(damage).map_or(0.0, weight);
        let impact = (1.0 - [(C, CR), (I, IR), (A, AR)].map(lost).iter().product::<f64>()).min(0.915);
        let is_changed = modified(S).is_some_and(|value| value.name == CHANGED);
        let impact = match (is_changed, self.minor) {
            (false, _) => 6.42 * impact,
            (true, Minor::Zero) => 7.52 * (impact - 0.029) - 3.25 * power(impact - 0.02, 15),
            (true, Minor::One) => 7.52 * (impact - 0.029) - 3.25 * power(impact * 0.9731 - 0.02, 13),
        };
        self.combine(impact, exploitability([AV, AC, PR, UI].map(modified), is_changed), is_changed)
    }

    fn combine(&self, impact: f64, exploitability: f64, is_changed: bool) -> u8 {
        let factor = if is_changed { 1.08 } else { 1.0 };
        match impact <= 0.0 {
            true => 0,
            false => self.round_up((factor * (impact + exploitability)).min(10.0)),
        }
    }

    /// The least number of tenths that is not less than a score. What floats add to a score right on a tenth is not
    /// rounded up: v3.1 says how (Appendix A); in v3.0 no product has more than ten decimals, so less is an error.
    fn round_up(&self, score: f64) -> u8 {
        const ERROR: f64 = 1e-10;
        let tenths = match self.minor {
            Minor::Zero => (score * 10.0 - ERROR).ceil(),
            Minor::One => ((score * 100_000.0).round() / 10_000.0).ceil(),
        };
        // The cast saturates.
        tenths.clamp(0.0, 100.0) as u8
    }
}

fn exploitability([vector, complexity, privileges, interaction]: [Option<Value>; 4], is_changed: bool) -> f64 {
    let privileges = match privileges {
        Some(Value { name: "L", .. }) if is_changed => 0.68,
        Some(Value { name: "H", .. }) if is_changed => 0.5,
        other => other.map_or(0.0, weight),
    };
    8.22 * vector.map_or(0.0, weight) * complexity.map_or(0.0, weight) * privileges * interaction.map_or(0.0, weight)
}

fn weight(value: Value) -> f64 {
    f64::from(value.weight) / 1000.0
}

/// A power by multiplication alone, so that it has the same bits on all machines.
fn power(base: f64, exponent: u8) -> f64 {
    (0..exponent).fold(1.0, |product, _| product * base)
}
