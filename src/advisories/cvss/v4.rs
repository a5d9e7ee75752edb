//! CVSS v4.0 (Specification Document, section 8, "CVSS v4.0 Scoring").
//!
//! Metrics fall into equivalence classes, and the classes of a vector are its macrovector, which experts gave a score.
//! A vector's own score lies below that by how far it is from the worst vectors of its macrovector, in relation
//! to the next lower macrovectors. All of it is done in whole numbers, so halves are halves.

mod macrovector;

use self::macrovector::Macrovector;
use super::CvssError;
use super::vector::{Metric, Value, read};

const AV: usize = 0;
const AC: usize = 1;
const AT: usize = 2;
const PR: usize = 3;
const UI: usize = 4;
const VC: usize = 5;
const VI: usize = 6;
const VA: usize = 7;
const SC: usize = 8;
const SI: usize = 9;
const SA: usize = 10;
/// The modified metrics stand in the order of those that they modify.
const MODIFIED: usize = 11;
const E: usize = 22;
const CR: usize = 23;
const IR: usize = 24;
const AR: usize = 25;
const ALL: usize = 32;

const UNDEFINED: &str = "X";

/// The metrics; weights are the steps from the worst value. The last six say nothing about the score.
static METRICS: [Metric; ALL] = [
    Metric::mandatory("AV", &[("N", 0), ("A", 1), ("L", 2), ("P", 3)]),
    Metric::mandatory("AC", &[("L", 0), ("H", 1)]),
    Metric::mandatory("AT", &[("N", 0), ("P", 1)]),
    Metric::mandatory("PR", &[("N", 0), ("L", 1), ("H", 2)]),
    Metric::mandatory("UI", &[("N", 0), ("P", 1), ("A", 2)]),
    Metric::mandatory("VC", &[("H", 0), ("L", 1), ("N", 2)]),
    Metric::mandatory("VI", &[("H", 0), ("L", 1), ("N", 2)]),
    Metric::mandatory("VA", &[("H", 0), ("L", 1), ("N", 2)]),
    // Step 0 of subsequent systems is safety, which only modified metrics have.
    Metric::mandatory("SC", &[("H", 1), ("L", 2), ("N", 3)]),
    Metric::mandatory("SI", &[("H", 1), ("L", 2), ("N", 3)]),
    Metric::mandatory("SA", &[("H", 1), ("L", 2), ("N", 3)]),
    Metric::optional("MAV", &[(UNDEFINED, 0), ("N", 0), ("A", 1), ("L", 2), ("P", 3)]),
    Metric::optional("MAC", &[(UNDEFINED, 0), ("L", 0), ("H", 1)]),
    Metric::optional("MAT", &[(UNDEFINED, 0), ("N", 0), ("P", 1)]),
    Metric::optional("MPR", &[(UNDEFINED, 0), ("N", 0), ("L", 1), ("H", 2)]),
    Metric::optional("MUI", &[(UNDEFINED, 0), ("N", 0), ("P", 1), ("A", 2)]),
    Metric::optional("MVC", &[(UNDEFINED, 0), ("H", 0), ("L", 1), ("N", 2)]),
    Metric::optional("MVI", &[(UNDEFINED, 0), ("H", 0), ("L", 1), ("N", 2)]),
    Metric::optional("MVA", &[(UNDEFINED, 0), ("H", 0), ("L", 1), ("N", 2)]),
    Metric::optional("MSC", &[(UNDEFINED, 0), ("H", 1), ("L", 2), ("N", 3)]),
    Metric::optional("MSI", &[(UNDEFINED, 0), ("S", 0), ("H", 1), ("L", 2), ("N", 3)]),
    Metric::optional("MSA", &[(UNDEFINED, 0), ("S", 0), ("H", 1), ("L", 2), ("N", 3)]),
    // What nobody knows of these counts as the worst.
    Metric::optional("E", &[(UNDEFINED, 0), ("A", 0), ("P", 1), ("U", 2)]),
    Metric::optional("CR", &[(UNDEFINED, 0), ("H", 0), ("M", 1), ("L", 2)]),
    Metric::optional("IR", &[(UNDEFINED, 0), ("H", 0), ("M", 1), ("L", 2)]),
    Metric::optional("AR", &[(UNDEFINED, 0), ("H", 0), ("M", 1), ("L", 2)]),
    Metric::optional("S", &[(UNDEFINED, 0), ("N", 0), ("P", 0)]),
    Metric::optional("AU", &[(UNDEFINED, 0), ("N", 0), ("Y", 0)]),
    Metric::optional("R", &[(UNDEFINED, 0), ("A", 0), ("U", 0), ("I", 0)]),
    Metric::optional("V", &[(UNDEFINED, 0), ("D", 0), ("C", 0)]),
    Metric::optional("RE", &[(UNDEFINED, 0), ("L", 0), ("M", 0), ("H", 0)]),
    Metric::optional("U", &[(UNDEFINED, 0), ("Clear", 0), ("Green", 0), ("Amber", 0), ("Red", 0)]),
];

/// The score with all metrics that the vector has.
pub(super) fn tenths(text: &str) -> Result<u8, CvssError> {
    let values = read(text, &METRICS)?;
    let step = |metric: usize| step(&values, metric);
    let (access, complexity) = ([AV, PR, UI].map(step), [AC, AT].map(step));
    let (vulnerable, subsequent) = ([VC, VI, VA].map(step), [SC, SI, SA].map(step));
    let requirements = [CR, IR, AR].map(step);
    if vulnerable == [2, 2, 2] && subsequent == [3, 3, 3] {
        return Ok(0);
    }
    let macrovector = Macrovector {
        eq1: eq1(access),
        eq2: usize::from(complexity != [0, 0]),
        eq3: eq3(vulnerable),
        eq4: eq4(subsequent),
        eq5: usize::from(step(E)),
        eq6: eq6(vulnerable, requirements),
    };
    let [vc, vi, va] = vulnerable;
    let [cr, ir, ar] = requirements;
    Ok(macrovector.tenths(&access, &complexity, &[vc, vi, va, cr, ir, ar], &subsequent))
}

/// How far a metric is from its worst value; a modified metric stands for the one that it modifies.
fn step(values: &[Option<Value>; ALL], metric: usize) -> u16 {
    let modified = if metric < MODIFIED { values[MODIFIED + metric] } else { None };
    let modified = modified.filter(|value| value.name != UNDEFINED);
    modified.or(values[metric]).map_or(0, |value| value.weight)
}

/// EQ1: how an attacker comes to it.
fn eq1([vector, privileges, interaction]: [u16; 3]) -> usize {
    const PHYSICAL: u16 = 3;
    match [vector, privileges, interaction] {
        [0, 0, 0] => 0,
        [PHYSICAL, _, _] => 2,
        steps if steps.contains(&0) => 1,
        _ => 2,
    }
}

/// EQ3: what is lost of the vulnerable system.
fn eq3(steps: [u16; 3]) -> usize {
    match steps {
        [0, 0, _] => 0,
        steps if steps.contains(&0) => 1,
        _ => 2,
    }
}

/// EQ4: what is lost of subsequent systems. Safety is lost of integrity and availability only.
fn eq4([confidentiality, integrity, availability]: [u16; 3]) -> usize {
    const SAFETY: u16 = 0;
    const HIGH: u16 = 1;
    match [integrity, availability].contains(&SAFETY) {
        true => 0,
        false if [confidentiality, integrity, availability].contains(&HIGH) => 1,
        false => 2,
    }
}

/// EQ6: whether something is wholly lost that is highly required.
fn eq6(vulnerable: [u16; 3], requirements: [u16; 3]) -> usize {
    usize::from(!vulnerable.into_iter().zip(requirements).any(|steps| steps == (0, 0)))
}
