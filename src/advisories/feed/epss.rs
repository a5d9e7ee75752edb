//! FIRST's likelihoods of exploitation: a comment with the date, a line with the columns' names, and a line for each CVE.

use super::kev::is_cve;
use super::limits::MAX_LINE;
use super::{Intake, Stop, Told, date};
use crate::advisories::cve::Likelihood;
use std::io::{BufRead, BufReader, Read};

/// Reads the table.
pub fn read(content: impl Read, intake: &mut Intake<'_>) -> Result<(), Stop> {
    let mut lines = BufReader::with_capacity(128 << 10, content);
    let mut text = String::new();
    let mut columns = None;
    let mut number = 0u64;
    while next(&mut lines, &mut text)? {
        number += 1;
        let line = text.trim();
        if let Some(comment) = line.strip_prefix('#') {
            let scored = comment.split(',').find_map(|part| part.trim().strip_prefix("score_date:"));
            intake.date(scored.and_then(date::seconds));
            continue;
        }
        let Some(columns) = columns else {
            columns = Some(Columns::of(line)?);
            continue;
        };
        match columns.row(line) {
            Some((id, likelihood)) => {
                intake.read();
                intake.take(Told::Likely(id, likelihood))?;
            }
            None if line.is_empty() => {}
            None => intake.skip(&format!("line {number}"), &format!("it is no CVE with two parts of one: {line}")),
        }
    }
    columns.map(|_| ()).ok_or_else(|| Stop::Malformed("it has no columns".into()))
}

fn next(lines: &mut impl BufRead, text: &mut String) -> Result<bool, Stop> {
    text.clear();
    let count = lines.take(MAX_LINE).read_line(text).map_err(Stop::of)?;
    match count as u64 == MAX_LINE && !text.ends_with('\n') {
        true => Err(Stop::Malformed("a line is too long".into())),
        false => Ok(count > 0),
    }
}

/// Where the columns are.
#[derive(Clone, Copy)]
struct Columns {
    cve: usize,
    score: usize,
    percentile: usize,
}

impl Columns {
    fn of(line: &str) -> Result<Self, Stop> {
        let place = |name: &str| {
            let found = line.split(',').position(|column| column.trim() == name);
            found.ok_or_else(|| Stop::Malformed(format!("it has no column `{name}`")))
        };
        Ok(Columns { cve: place("cve")?, score: place("epss")?, percentile: place("percentile")? })
    }

    fn row(self, line: &str) -> Option<(String, Likelihood)> {
        let cell = |place| line.split(',').nth(place).map(str::trim);
        let cve = cell(self.cve).filter(|cve| is_cve(cve))?;
        let (score, percentile) = (millionths(cell(self.score)?)?, millionths(cell(self.percentile)?)?);
        Some((cve.to_owned(), Likelihood { score, percentile }))
    }
}

/// A decimal from 0 to 1 in millionths, cut there.
fn millionths(text: &str) -> Option<u32> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let whole = match whole {
        "0" | "" => 0,
        "1" => 1_000_000,
        _ => return None,
    };
    if text.trim_start_matches('.').is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = digits.bytes().chain(std::iter::repeat(b'0')).take(6);
    let part = part.fold(0, |number, digit| 10 * number + u32::from(digit - b'0'));
    Some(whole + part).filter(|millionths| *millionths <= 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::millionths;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, expected) in [
            ("0.94372", Some(943_720)),
            ("0.000430000", Some(430)),
            ("1.0", Some(1_000_000)),
            ("1", Some(1_000_000)),
            (".5", Some(500_000)),
            ("0", Some(0)),
            ("1.000001", None),
            ("2", None),
            ("-0.5", None),
            ("0.5e-3", None),
            ("nan", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(millionths(text), expected, "{text}");
        }
    }
}
