//! Ignore files, as Docker reads `.dockerignore`.

use crate::solve::glob::clean;

/// The patterns of an ignore file, in the form in which graphs have them.
///
/// A line is a pattern; blanks around it do not count, lines that begin with `#` say
/// nothing. Patterns are seen from the folder's root: a leading slash changes nothing.
pub(super) fn patterns(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().filter(|line| !line.starts_with('#')).filter_map(pattern).collect()
}

fn pattern(line: &str) -> Option<String> {
    let line = line.trim();
    let (not, path) = match line.strip_prefix('!') {
        Some(rest) => ("!", rest.trim()),
        None => ("", line),
    };
    if path.is_empty() {
        // A lonely `!` is kept for the error that it deserves.
        return (!not.is_empty()).then(|| not.to_owned());
    }
    let path = clean(path);
    let path = if path.len() > 1 { path.strip_prefix('/').unwrap_or(&path) } else { &path };
    Some(format!("{not}{path}"))
}

#[cfg(test)]
mod tests {
    use super::patterns;

    #[test]
    fn lines_become_patterns() {
        let text = "\u{feff}# a comment\n\n  target/  \n/build\n! /build/keep\n!a/../b\n #no comment\n\t\n**/*.o\r\n";
        assert_eq!(patterns(text), ["target", "build", "!build/keep", "!b", "#no comment", "**/*.o"]);
        assert_eq!(patterns("!\n"), ["!"]);
        assert_eq!(patterns("/\n.\n"), ["/", "."]);
    }
}
