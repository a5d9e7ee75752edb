//! Diagnostics as people read them: the text with the place underlined.

use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Sources, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt;

/// A line that is longer is not shown: nobody could read it.
const LONGEST_LINE: usize = 1_000;

/// Renders diagnostics for a terminal of so many columns, with colours or without.
pub(super) fn render(diagnostics: &Diagnostics, colours: bool, width: usize) -> String {
    let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false)
        .with_wrap_lines(true)
        .with_context_lines(1);
    let mut text = String::new();
    for diagnostic in &diagnostics.list {
        let shown = Shown::new(diagnostic, &diagnostics.sources);
        if handler.render_report(&mut text, &shown).is_err() {
            text.push_str(&diagnostic.message);
        }
        text.push('\n');
    }
    text
}

/// A diagnostic in miette's terms.
///
/// miette draws one text a report: labels in other texts become lines of the help.
#[derive(Debug)]
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
}

impl<'a> Shown<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &Sources) -> Self {
        let file = diagnostic.span().filter(|span| is_readable(sources, *span)).map(|span| span.file);
        let (here, elsewhere): (Vec<_>, Vec<_>) = diagnostic.labels.iter().partition(|l| Some(l.span.file) == file);
        let labels = here.into_iter().enumerate().map(|(i, label)| {
            let range = label.span.range();
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            match i {
                0 => LabeledSpan::new_primary_with_span(text, (range.start, range.len())),
                _ => LabeledSpan::new_with_span(text, (range.start, range.len())),
            }
        });
        let notes = elsewhere.iter().map(|label| format!("{}: {}", sources.locate(label.span), label.text));
        let page = diagnostic.page.iter().map(|page| format!("see {page}"));
        let help: Vec<String> = diagnostic.help.iter().cloned().chain(notes).chain(page).collect();
        let source = file.map(|file| {
            let file = sources.file(file);
            NamedSource::new(file.name(), file.text().to_owned())
        });
        Shown { diagnostic, source, labels: labels.collect(), help: (!help.is_empty()).then(|| help.join("\n")) }
    }
}

/// Whether the lines that a place lies in, and those beside them, are short enough to be shown.
fn is_readable(sources: &Sources, span: Span) -> bool {
    let text = sources.file(span.file).text().as_bytes();
    let range = span.range();
    let before = text[..range.start].rsplitn(3, |byte| *byte == b'\n').take(2).all(|line| line.len() < LONGEST_LINE);
    let after = text[range.start..].splitn(3, |byte| *byte == b'\n').take(2).all(|line| line.len() < LONGEST_LINE);
    before && after && range.len() < 10 * LONGEST_LINE
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Advice => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
