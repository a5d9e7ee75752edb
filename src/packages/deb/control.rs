//! Debian's control files: paragraphs of fields (deb822(5)).

/// The fields of one paragraph, in their order; values keep the line feeds and the first spaces of further lines.
#[derive(Clone, Copy)]
pub struct Paragraph<'a>(&'a str);

/// The paragraphs of a text.
pub fn paragraphs(text: &str) -> impl Iterator<Item = Paragraph<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        // Empty lines stand before, between and after paragraphs.
        loop {
            match line(rest) {
                (_, "") if rest.is_empty() => return None,
                (blank, after) if blank.trim_ascii().is_empty() => rest = after,
                _ => break,
            }
        }
        let start = rest;
        let mut length = 0;
        loop {
            let (first, after) = line(rest);
            if rest.is_empty() || first.trim_ascii().is_empty() {
                return Some(Paragraph(&start[..length]));
            }
            length += rest.len() - after.len();
            rest = after;
        }
    })
}

/// A line without its end, and what follows.
fn line(text: &str) -> (&str, &str) {
    match memchr(text) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, ""),
    }
}

fn memchr(text: &str) -> Option<usize> {
    bstr::ByteSlice::find_byte(text.as_bytes(), b'\n')
}

impl<'a> Paragraph<'a> {
    /// The paragraph as it stands.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// The fields with their values; lines that are no fields are passed over.
    pub fn fields(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let start = rest;
                let (first, mut after) = line(rest);
                let mut length = first.len();
                while after.starts_with([' ', '\t']) {
                    let (next, beyond) = line(after);
                    length = start.len() - after.len() + next.len();
                    after = beyond;
                }
                rest = after;
                if let Some(colon) = first.find(':')
                    && !first.starts_with('#')
                {
                    return Some((&start[..colon], start[colon + 1..length].trim_ascii()));
                }
            }
            None
        })
    }

    /// The value of a field, whatever the case of its name.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.fields().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_fields_are_told_apart() {
        let text =
            "\n\nPackage: a\nDescription: short\n long\n .\n more\nEmpty:\n# comment: x\n\n \nPackage:b\nlast: x: y";
        let all: Vec<Vec<_>> = paragraphs(text).map(|p| p.fields().collect()).collect();
        assert_eq!(
            all,
            [
                vec![("Package", "a"), ("Description", "short\n long\n .\n more"), ("Empty", "")],
                vec![("Package", "b"), ("last", "x: y")],
            ]
        );
        let first = paragraphs(text).next().unwrap();
        assert_eq!((first.get("package"), first.get("Version")), (Some("a"), None));
    }

    #[test]
    fn any_text_can_be_read() {
        use proptest::prelude::*;
        assert_eq!(paragraphs("").count(), 0);
        proptest!(|(text in "[ab: \t\n#ü]{0,40}")| {
            for paragraph in paragraphs(&text) {
                prop_assert!(!paragraph.text().trim().is_empty());
                paragraph.fields().for_each(drop);
            }
        });
    }
}
