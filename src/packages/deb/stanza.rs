//! The control paragraph of a package: what it says of itself.

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

    fn required(&self, field: &'static str) -> &str {
        self.get(field).expect("a control paragraph is only made with this field")
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
