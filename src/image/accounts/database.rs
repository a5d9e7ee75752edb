//! Files of lines of fields with colons between them.

/// The lines of a file. What is not understood is kept as it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    lines: Vec<Vec<u8>>,
    is_changed: bool,
}

/// One line that was found.
pub(super) struct Line<'a> {
    fields: Vec<&'a [u8]>,
}

impl Line<'_> {
    /// A field as text; empty where it is missing.
    pub(super) fn field(&self, at: usize) -> String {
        self.fields.get(at).map(|field| String::from_utf8_lossy(field).into_owned()).unwrap_or_default()
    }

    pub(super) fn name(&self) -> String {
        self.field(0)
    }

    pub(super) fn number(&self, at: usize) -> Option<u32> {
        number(self.fields.get(at)?)
    }
}

fn number(field: &[u8]) -> Option<u32> {
    // `parse` alone would take a sign.
    std::str::from_utf8(field).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|b| *b == b':').collect()
}

/// Comments and the `+` and `-` lines of NIS name nobody.
fn names_someone(line: &[u8]) -> bool {
    !matches!(line.first(), None | Some(b'#' | b'+' | b'-'))
}

impl Lines {
    pub(super) fn of(content: &[u8]) -> Self {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let lines =
            if content.is_empty() { Vec::new() } else { content.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect() };
        Lines { lines, is_changed: false }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
    }

    /// The first line whose first field is `name`: the one that the C library finds.
    pub(super) fn named(&self, name: &str) -> Option<Line<'_>> {
        self.position(name).map(|at| Line { fields: fields(&self.lines[at]) })
    }

    fn position(&self, name: &str) -> Option<usize> {
        let is_it = |line: &Vec<u8>| names_someone(line) && fields(line)[0] == name.as_bytes();
        self.lines.iter().position(is_it)
    }

    /// The first line whose third field is `id`.
    pub(super) fn numbered(&self, id: u32) -> Option<Line<'_>> {
        let candidates = self.lines.iter().filter(|line| names_someone(line)).map(|line| Line { fields: fields(line) });
        candidates.into_iter().find(|line| line.number(2) == Some(id))
    }

    pub(super) fn push(&mut self, fields: &[&str]) {
        self.lines.push(fields.join(":").into_bytes());
        self.is_changed = true;
    }

    /// As [`push`](Self::push), for files that are only kept where they are in use.
    pub(super) fn push_if_used(&mut self, fields: &[&str]) {
        if !self.lines.is_empty() && self.position(fields[0]).is_none() {
            self.push(fields);
        }
    }

    /// Adds `member` to the list in field `at` of the line `name`; false where there is no such line.
    pub(super) fn add_member(&mut self, name: &str, at: usize, member: &str) -> bool {
        let Some(position) = self.position(name) else { return false };
        let mut parts: Vec<Vec<u8>> = fields(&self.lines[position]).into_iter().map(<[u8]>::to_vec).collect();
        parts.resize(parts.len().max(at + 1), Vec::new());
        let list = &mut parts[at];
        if list.split(|b| *b == b',').any(|m| m == member.as_bytes()) {
            return true;
        }
        if !list.is_empty() {
            list.push(b',');
        }
        list.extend_from_slice(member.as_bytes());
        self.lines[position] = parts.join(&b':');
        self.is_changed = true;
        true
    }
}
