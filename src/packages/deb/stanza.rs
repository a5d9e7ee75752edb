//! The control paragraph of a package: what it says of itself.

use std::str::FromStr;

/// A paragraph of fields, as a package carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    text: String,
    fields: Vec<(String, String)>,
}

/// Why a text is no control paragraph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StanzaError {
    /// A line is neither a field nor the continuation of one.
    #[error("line {0} of its control file is no field")]
    Line(usize),
    /// One field stands there twice.
    #[error("its control file has the field {0} twice")]
    Repeated(String),
    /// A field that every package has is missing.
    #[error("its control file lacks the field {0}")]
    Missing(&'static str),
    /// A field has a value that no package can have.
    #[error("its control file has a malformed {field}: `{value}`")]
    Malformed {
        /// The field.
        field: &'static str,
        /// Its value, shortened.
        value: String,
    },
}

/// One package that a relation field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The package's name, without the architecture.
    pub name: String,
    /// The operator and the version, where there is a condition.
    pub version: Option<(Operator, String)>,
}

/// How a relation compares versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

impl Stanza {
    /// Reads one paragraph; name, version and architecture must be there and well-formed.
    pub fn parse(text: &str) -> Result<Self, StanzaError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let body = text.trim_end_matches('\n');
        for (number, line) in body.lines().enumerate() {
            let wrong = || StanzaError::Line(number + 1);
            if line.starts_with([' ', '\t']) {
                let (_, value) = fields.last_mut().ok_or_else(wrong)?;
                value.push('\n');
                value.push_str(line);
                continue;
            }
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let is_name = !name.is_empty() && !name.starts_with('-') && name.bytes().all(|b| b.is_ascii_graphic());
            if !is_name || line.contains('\0') {
                return Err(wrong());
            }
            if fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return Err(StanzaError::Repeated(name.to_owned()));
            }
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
        let stanza = Stanza { text: format!("{body}\n"), fields };
        stanza.check()?;
        Ok(stanza)
    }

    fn check(&self) -> Result<(), StanzaError> {
        type Test = fn(&str) -> bool;
        let required: [(&'static str, Test); 3] =
            [("Package", is_package_name), ("Version", is_version), ("Architecture", is_architecture)];
        for (field, is_well_formed) in required {
            let value = self.get(field).ok_or(StanzaError::Missing(field))?;
            if !is_well_formed(value) {
                return Err(StanzaError::Malformed { field, value: value.chars().take(80).collect() });
            }
        }
        Ok(())
    }

    /// The paragraph as it was written, with one line end behind it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value of a field, whatever the case of its name; lines after the first keep their indentation.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value.as_str())
    }

    /// All fields in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The package's name.
    pub fn name(&self) -> &str {
        self.required("Package")
    }

    /// Its version.
    pub fn version(&self) -> &str {
        self.required("Version")
    }

    /// Its architecture, or `all`.
    pub fn architecture(&self) -> &str {
        self.required("Architecture")
    }

    /// Whether the distribution takes it for granted.
    pub fn is_essential(&self) -> bool {
        self.get("Essential") == Some("yes")
    }

    /// Whether it may be installed for several architectures at once.
    pub fn is_multi_arch_same(&self) -> bool {
        self.get("Multi-Arch") == Some("same")
    }

    /// The packages that a relation field names: alternatives within, what must all hold without.
    ///
    /// Conditions that cannot be read are left out, which is the careful reading
    /// of `Replaces` and `Depends`: nothing is allowed by them and no order follows.
    pub fn relations(&self, field: &str) -> Vec<Vec<Relation>> {
        let value = self.get(field).unwrap_or_default();
        let groups = value.split(',').map(|group| group.split('|').filter_map(|r| r.parse().ok()).collect::<Vec<_>>());
        groups.filter(|group| !group.is_empty()).collect()
    }

    fn required(&self, field: &'static str) -> &str {
        self.get(field).expect("a control paragraph is only made with this field")
    }
}

impl Relation {
    /// Whether a package with this version is meant.
    pub fn admits(&self, version: &str) -> bool {
        let Some((operator, bound)) = &self.version else { return true };
        operator.holds(super::version::compare(version, bound))
    }
}

impl Operator {
    /// Whether it holds between two versions that compare like this.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Operator::Earlier => ordering.is_lt(),
            Operator::EarlierOrEqual => ordering.is_le(),
            Operator::Equal => ordering.is_eq(),
            Operator::LaterOrEqual => ordering.is_ge(),
            Operator::Later => ordering.is_gt(),
        }
    }
}

impl FromStr for Relation {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_whitespace() || "([<".contains(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let name = name.split(':').next().unwrap_or_default();
        if !is_package_name(name) {
            return Err(());
        }
        let version = match rest.trim_start().strip_prefix('(') {
            None => None,
            Some(condition) => {
                let (condition, _) = condition.split_once(')').ok_or(())?;
                let at = condition.find(|c: char| !"<>=".contains(c)).ok_or(())?;
                let operator = match &condition[..at] {
                    "<<" => Operator::Earlier,
                    "<=" | "<" => Operator::EarlierOrEqual,
                    "=" => Operator::Equal,
                    ">=" | ">" => Operator::LaterOrEqual,
                    ">>" => Operator::Later,
                    _ => return Err(()),
                };
                Some((operator, condition[at..].trim().to_owned()))
            }
        };
        Ok(Relation { name: name.to_owned(), version })
    }
}

/// Whether this can be the name of a package; such a name is also a harmless file name.
pub fn is_package_name(name: &str) -> bool {
    name.len() > 1
        && name.len() <= 200
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
}

fn is_version(version: &str) -> bool {
    !version.is_empty()
        && version.len() <= 200
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-~:".contains(&b))
        && super::version::is_valid(version)
}

/// Whether this can be the name of an architecture.
pub fn is_architecture(name: &str) -> bool {
    (2..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
}

#[cfg(test)]
mod tests;
