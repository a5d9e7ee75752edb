//! Machine-readable copyright files (DEP-5), read leniently: what one stanza gets wrong does not hide the others.

/// A parsed copyright file.
pub(super) struct Copyright<'a> {
    stanzas: Vec<Stanza<'a>>,
}

#[derive(Default)]
struct Stanza<'a> {
    has_files: bool,
    /// The first line of `License` and the lines that follow.
    licence: Option<(&'a str, Vec<&'a str>)>,
}

impl<'a> Copyright<'a> {
    /// None where the file does not begin with a `Format` field, which makes it machine-readable.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_start_matches(['\u{feff}', '\n', '\r', ' ']);
        let first = text.lines().next()?.split(':').next()?;
        if !["format", "format-specification"].contains(&first.trim().to_ascii_lowercase().as_str()) {
            return None;
        }
        let mut stanzas = vec![Stanza::default()];
        let mut in_licence = false;
        for line in text.lines() {
            let last = stanzas.last_mut().expect("there is one from the start");
            if line.trim().is_empty() {
                if last.has_files || last.licence.is_some() {
                    stanzas.push(Stanza::default());
                }
                in_licence = false;
            } else if line.starts_with([' ', '\t']) {
                if let (true, Some((_, body))) = (in_licence, &mut last.licence) {
                    body.push(line);
                }
            } else if !line.starts_with('#') {
                in_licence = last.field(line);
            }
        }
        Some(Copyright { stanzas })
    }

    /// The licences of all files; where no stanza is about files, all that are named.
    pub(super) fn synopses(&self) -> Vec<&'a str> {
        let of = |only_files: bool| -> Vec<&'a str> {
            let stanzas = self.stanzas.iter().filter(|stanza| stanza.has_files || !only_files);
            let named = stanzas.filter_map(|stanza| stanza.licence.as_ref()).map(|(synopsis, body)| {
                // Some put the whole thing below the field.
                if synopsis.is_empty() { body.first().map_or("", |line| line.trim()) } else { *synopsis }
            });
            named.filter(|synopsis| !synopsis.is_empty()).collect()
        };
        let files = of(true);
        if files.is_empty() { of(false) } else { files }
    }

    /// All texts that the file gives for a licence of that name, each once.
    pub(super) fn text_of(&self, name: &str) -> String {
        let mut texts: Vec<String> = Vec::new();
        for (synopsis, body) in self.stanzas.iter().filter_map(|stanza| stanza.licence.as_ref()) {
            if synopsis.eq_ignore_ascii_case(name) && !body.is_empty() {
                let text = unfold(body);
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        texts.join("\n\n")
    }
}

impl<'a> Stanza<'a> {
    /// Takes a `Name: value` line; says whether lines that continue it belong to a licence.
    fn field(&mut self, line: &'a str) -> bool {
        let Some((name, value)) = line.split_once(':') else { return false };
        match name.trim().to_ascii_lowercase().as_str() {
            "files" => self.has_files = true,
            "license" | "licence" if self.licence.is_none() => {
                self.licence = Some((value.trim(), Vec::new()));
                return true;
            }
            _ => {}
        }
        false
    }
}

/// The lines of a field as text: one space less, and a lone dot is an empty line.
fn unfold(body: &[&str]) -> String {
    let lines = body.iter().map(|line| match line.trim() {
        "." => "",
        _ => line.strip_prefix([' ', '\t']).unwrap_or(line).trim_end(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
