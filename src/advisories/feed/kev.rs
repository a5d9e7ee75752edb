//! CISA's catalogue of Known Exploited Vulnerabilities, as JSON.

use super::document::{self, Documents, nullable};
use super::{Intake, Stop, Told, date};
use crate::advisories::cve::Exploited;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Read;

/// Reads the catalogue.
pub fn read(content: impl Read, intake: &mut Intake<'_>) -> Result<(), Stop> {
    document::read(content, &mut Catalogue(intake))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(rename = "cveID")]
    id: String,
    date_added: String,
    #[serde(default, deserialize_with = "nullable")]
    due_date: String,
    #[serde(default, deserialize_with = "nullable")]
    known_ransomware_campaign_use: String,
}

struct Catalogue<'a, 't>(&'a mut Intake<'t>);

impl Documents for Catalogue<'_, '_> {
    fn element(&mut self, document: &RawValue) -> Result<(), Stop> {
        match row(document) {
            Ok((id, exploited)) => {
                self.0.read();
                self.0.take(Told::Exploited(id, exploited))
            }
            Err(reason) => {
                let name = format!("row {}", self.0.count + self.0.skipped + 1);
                self.0.skip(&name, &reason);
                Ok(())
            }
        }
    }

    fn member(&mut self, within: Option<&str>, name: &str, document: &RawValue) -> Result<(), Stop> {
        if within.is_none() && name == "dateReleased" {
            let text: Option<String> = serde_json::from_str(document.get()).ok();
            self.0.date(text.and_then(|text| date::seconds(&text)));
        }
        Ok(())
    }

    fn is_list(&self, name: &str) -> bool {
        name == "vulnerabilities"
    }

    fn is_map(&self) -> bool {
        false
    }
}

fn row(document: &RawValue) -> Result<(String, Exploited), String> {
    let row: Row = serde_json::from_str(document.get()).map_err(|e| e.to_string())?;
    if !is_cve(&row.id) {
        return Err("it has no CVE".into());
    }
    let day = |text: &str| text.parse::<jiff::civil::Date>().ok().map(|day| day.to_string());
    let added = day(&row.date_added).ok_or("the day that it was added is none")?;
    let ransomware = row.known_ransomware_campaign_use == "Known";
    Ok((row.id, Exploited { added, due: day(&row.due_date), ransomware }))
}

/// Whether a text is a CVE's name: a year and a number of up to 19 digits.
pub fn is_cve(text: &str) -> bool {
    let digits =
        |text: &str, least, most| (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let parts = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(year, number)| digits(year, 4, 4) && digits(number, 4, 19))
}
