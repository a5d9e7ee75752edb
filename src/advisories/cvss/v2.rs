//! CVSS v2 (A Complete Guide to the Common Vulnerability Scoring System Version 2.0, section 3.2).
//!
//! All numbers of the formulas have few decimals, so they are computed exactly, in integers.

use super::CvssError;
use super::vector::{Metric, Value, read};

const AV: usize = 0;
const AC: usize = 1;
const AU: usize = 2;
const C: usize = 3;
const I: usize = 4;
const A: usize = 5;
const E: usize = 6;
const RL: usize = 7;
const RC: usize = 8;
const CDP: usize = 9;
const TD: usize = 10;
const CR: usize = 11;
const IR: usize = 12;
const AR: usize = 13;

const IMPACT: &[(&str, u16)] = &[("N", 0), ("P", 275), ("C", 660)];
const REQUIREMENT: &[(&str, u16)] = &[("L", 500), ("M", 1000), ("H", 1510), (UNDEFINED, 1000)];
const UNDEFINED: &str = "ND";

/// The metrics; weights are thousandths of those of the guide.
static METRICS: [Metric; 14] = [
    Metric::mandatory("AV", &[("L", 395), ("A", 646), ("N", 1000)]),
    Metric::mandatory("AC", &[("H", 350), ("M", 610), ("L", 710)]),
    Metric::mandatory("Au", &[("M", 450), ("S", 560), ("N", 704)]),
    Metric::mandatory("C", IMPACT),
    Metric::mandatory("I", IMPACT),
    Metric::mandatory("A", IMPACT),
    Metric::optional("E", &[("U", 850), ("POC", 900), ("F", 950), ("H", 1000), (UNDEFINED, 1000)]),
    Metric::optional("RL", &[("OF", 870), ("TF", 900), ("W", 950), ("U", 1000), (UNDEFINED, 1000)]),
    Metric::optional("RC", &[("UC", 900), ("UR", 950), ("C", 1000), (UNDEFINED, 1000)]),
    Metric::optional("CDP", &[("N", 0), ("L", 100), ("LM", 300), ("MH", 400), ("H", 500), (UNDEFINED, 0)]),
    Metric::optional("TD", &[("N", 0), ("L", 250), ("M", 750), ("H", 1000), (UNDEFINED, 1000)]),
    Metric::optional("CR", REQUIREMENT),
    Metric::optional("IR", REQUIREMENT),
    Metric::optional("AR", REQUIREMENT),
];

/// 1 in thousandths, to the power of how many weights are multiplied.
const fn one(weights: u32) -> i128 {
    1000_i128.pow(weights)
}

/// The environmental score where the vector has such metrics, else the temporal, else the base score.
pub(super) fn tenths(text: &str) -> Result<u8, CvssError> {
    let values = read(text, &METRICS)?;
    let weight = |metric: usize| values[metric].map(|value| i128::from(value.weight));
    let any = |metrics: &[usize]| metrics.iter().any(|&metric| is_defined(values[metric]));

    let is_environmental = any(&[CDP, TD, CR, IR, AR]);
    // What is left of each property, in millionths.
    let kept = [(C, CR), (I, IR), (A, AR)]
        .map(|(damage, required)| one(2) - weight(damage).unwrap_or(0) * weight(required).unwrap_or(one(1)));
    let exploitability = [AV, AC, AU].iter().filter_map(|&metric| weight(metric)).product();
    let impact = IMPACT_OF_ALL * (one(6) - kept.iter().product::<i128>());
    let impact = if is_environmental { impact.min(MAX_ADJUSTED_IMPACT) } else { impact };
    let base = base(impact, exploitability);
    if !is_environmental && !any(&[E, RL, RC]) {
        return Ok(clamped(base));
    }
    let factor: i128 = [E, RL, RC].iter().map(|&metric| weight(metric).unwrap_or(one(1))).product();
    let temporal = round(base * factor, one(3));
    if !is_environmental {
        return Ok(clamped(temporal));
    }
    let damage = temporal * one(1) + (100 - temporal) * weight(CDP).unwrap_or(0);
    Ok(clamped(round(damage * weight(TD).unwrap_or(one(1)), one(2))))
}

/// The impact of losing everything, and the most that it is said to be where the environment counts; in hundredths.
const IMPACT_OF_ALL: i128 = 1041;
const MAX_ADJUSTED_IMPACT: i128 = 1000 * one(6);

/// The base score in tenths, of an impact in hundredths of six weights, and of the product of the three weights of
/// exploitability.
fn base(impact: i128, exploitability: i128) -> i128 {
    if impact == 0 {
        return 0;
    }
    let exploitability = 20 * exploitability * 100 * one(3);
    // Its factors are 0.6, 0.4 and 1.5, in tenths, and 1.176: ten times that is in tenths, as the score is.
    let weighed = 6 * impact + 4 * exploitability - 15 * 100 * one(6);
    round(weighed * 1176, 100 * one(7))
}

/// A number of units rounded to the nearest whole, halves up.
fn round(number: i128, unit: i128) -> i128 {
    (number + unit / 2).div_euclid(unit)
}

fn clamped(tenths: i128) -> u8 {
    u8::try_from(tenths.clamp(0, 100)).unwrap_or(100)
}

fn is_defined(value: Option<Value>) -> bool {
    value.is_some_and(|value| value.name != UNDEFINED)
}
