//! Mistakes in a text that somebody wrote, pointed at exactly.
//!
//! A [`Diagnostic`] says what is wrong, where, and what to do about it. This
//! module knows no colours and no terminal: rendering is the command line's job.

mod source;
mod suggest;

pub use source::{FileId, SourceFile, Sources, Span};
pub use suggest::nearest;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Advice,
    /// Accepted, but probably not what was meant.
    Warning,
    /// Refused.
    Error,
}

/// A span with a word on what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there; shown under the underlined text.
    pub text: String,
}

/// One mistake: what failed, where, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name of the kind of mistake, such as `spec::unknown-node`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a final full stop.
    pub message: String,
    /// The places; the first is the one to blame.
    pub labels: Vec<Label>,
    /// What to do next.
    pub help: Option<String>,
    /// The page that explains the rule, relative to the project: `specs/language/copy.md`.
    pub page: Option<String>,
}

impl Diagnostic {
    /// An error with its primary span.
    pub fn error(code: &'static str, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message, span, label)
    }

    /// A warning with its primary span.
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message, span, label)
    }

    fn new(
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code,
            severity,
            message: message.into(),
            labels: vec![Label { span, text: label.into() }],
            help: None,
            page: None,
        }
    }

    /// Adds a second place that explains the first.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the page that explains the rule.
    #[must_use]
    pub fn with_page(mut self, page: impl Into<String>) -> Self {
        self.page = Some(page.into());
        self
    }

    /// The place to blame, where there is one.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// All mistakes found in one pass, with the texts that their spans point into.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    /// In the order of the text; never empty where this is returned as an error.
    pub list: Vec<Diagnostic>,
    /// The texts.
    pub sources: Sources,
}

impl Diagnostics {
    /// Sorts the mistakes by place and drops exact repetitions.
    pub fn new(mut list: Vec<Diagnostic>, sources: Sources) -> Self {
        list.sort_by(|a, b| (a.span(), &a.code, &a.message).cmp(&(b.span(), &b.code, &b.message)));
        list.dedup();
        Diagnostics { list, sources }
    }

    /// Whether any of them refuses the text.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }
}

impl std::fmt::Display for Diagnostics {
    /// One line a diagnostic, `file:line:column: message`, for logs and tests.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, diagnostic) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            match diagnostic.span() {
                Some(span) => {
                    let file = self.sources.file(span.file);
                    let (line, column) = file.position(span.start);
                    write!(f, "{}:{line}:{column}: {}", file.name(), diagnostic.message)?;
                }
                None => write!(f, "{}", diagnostic.message)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests;
