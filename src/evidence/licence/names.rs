//! Debian's short names as SPDX identifiers.

use super::expression::Expression;

/// Names that mean the same everywhere in Debian, in lower case.
const ALIASES: &[(&str, &str)] = &[
    ("expat", "MIT"),
    ("mit/x11", "MIT"),
    ("mit/expat", "MIT"),
    ("x11", "X11"),
    ("artistic", "Artistic-1.0-Perl"),
    ("artistic-1", "Artistic-1.0-Perl"),
    ("artistic-2", "Artistic-2.0"),
    ("apache-1", "Apache-1.0"),
    ("apache-2", "Apache-2.0"),
    ("asl-2.0", "Apache-2.0"),
    ("boost-1.0", "BSL-1.0"),
    ("bsl-1", "BSL-1.0"),
    ("bsd-2", "BSD-2-Clause"),
    ("bsd2", "BSD-2-Clause"),
    ("bsd-3", "BSD-3-Clause"),
    ("bsd3", "BSD-3-Clause"),
    ("bsd-4", "BSD-4-Clause"),
    ("bsd-2-clause-netbsd", "BSD-2-Clause"),
    ("cc0", "CC0-1.0"),
    ("cc-by-3", "CC-BY-3.0"),
    ("cc-by-4", "CC-BY-4.0"),
    ("cc-by-sa-3", "CC-BY-SA-3.0"),
    ("cc-by-sa-4", "CC-BY-SA-4.0"),
    ("edl-1", "BSD-3-Clause"),
    ("edl-1.0", "BSD-3-Clause"),
    ("eclipse-distribution-license-1.0", "BSD-3-Clause"),
    ("epl-1", "EPL-1.0"),
    ("epl-2", "EPL-2.0"),
    ("mpl-1", "MPL-1.0"),
    ("mpl-2", "MPL-2.0"),
    ("ofl-1", "OFL-1.0"),
    ("sil-1.1", "OFL-1.1"),
    ("sil-ofl-1.1", "OFL-1.1"),
    ("openldap-2.8", "OLDAP-2.8"),
    ("psf-2", "PSF-2.0"),
    ("bzip2", "bzip2-1.0.6"),
    ("zlib/libpng", "zlib-acknowledgement"),
    ("ufl-1.0", "Ubuntu-font-1.0"),
];

/// Exceptions that have one wording in Debian: the words before "exception" → what it is with version 2 and
/// with version 3 of the GNU licences.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("autoconf", "Autoconf-exception-generic", "Autoconf-exception-generic-3.0"),
    ("autoconf-data", "Autoconf-exception-generic", "Autoconf-exception-generic-3.0"),
    ("libtool", "Libtool-exception", "Libtool-exception"),
    ("bison", "Bison-exception-2.2", "Bison-exception-2.2"),
    ("bison-2.2", "Bison-exception-2.2", "Bison-exception-2.2"),
    ("gcc", "GCC-exception-2.0", "GCC-exception-3.1"),
    ("gcc runtime", "GCC-exception-3.1", "GCC-exception-3.1"),
    ("gcc-runtime", "GCC-exception-3.1", "GCC-exception-3.1"),
    ("gcc-runtime-3.1", "GCC-exception-3.1", "GCC-exception-3.1"),
    ("gcc runtime library", "GCC-exception-3.1", "GCC-exception-3.1"),
    ("classpath", "Classpath-exception-2.0", "Classpath-exception-2.0"),
    ("font", "Font-exception-2.0", "Font-exception-2.0"),
    ("texinfo", "Texinfo-exception", "Texinfo-exception"),
    ("linux-syscall-note", "Linux-syscall-note", "Linux-syscall-note"),
    ("llvm", "LLVM-exception", "LLVM-exception"),
];

/// The sentence of the exception that SPDX lists; "OpenSSL exception" is also said of others.
const OPENSSL: &str = "to link the code of portions of this program with the openssl library under certain conditions \
                       as described in each individual source file";

/// A name, perhaps with an exception; none where SPDX has no identifier that is surely the same.
pub(super) fn spdx(name: &str, text: &dyn Fn() -> String) -> Option<Expression> {
    let lower = name.to_ascii_lowercase();
    if lower == "perl" {
        return Expression::any(vec![licence("Artistic-1.0-Perl"), licence("GPL-1.0-or-later")]);
    }
    if let Some(id) = plain(&lower) {
        return Some(licence(&id));
    }
    let (base, exception) = split_exception(&lower)?;
    let base = plain(base)?;
    let exception = exception_id(exception, &base, text)?;
    Some(licence(&format!("{base} WITH {exception}")))
}

fn licence(id: &str) -> Expression {
    Expression::licence(id)
}

/// A name in lower case without exception.
fn plain(lower: &str) -> Option<String> {
    if let Some(id) = gnu(lower) {
        return Some(id);
    }
    let alias = ALIASES.iter().find(|(name, _)| *name == lower).map(|(_, id)| *id);
    let listed = || spdx::identifiers::LICENSES.iter().find(|known| known.name.eq_ignore_ascii_case(lower));
    alias.map(Into::into).or_else(|| listed().filter(|known| !is_ambiguous(known.name)).map(|known| known.name.into()))
}

/// Identifiers of SPDX that Debian uses as names of something else, or of several things.
fn is_ambiguous(id: &str) -> bool {
    ["Python-2.0.1", "Spencer-94", "Unicode-TOU"].contains(&id)
}

/// The GNU family: `gpl-2+`, `lgpl-2.1`, `gfdl-niv-1.3+`, `gpl-3.0-or-later`, `gpl` (any version).
fn gnu(lower: &str) -> Option<String> {
    let (family, rest) = [("agpl", "AGPL"), ("lgpl", "LGPL"), ("gpl", "GPL"), ("gfdl", "GFDL")]
        .into_iter()
        .find_map(|(prefix, family)| Some((family, lower.strip_prefix(prefix)?)))?;
    let (rest, invariants) = match rest.strip_prefix("-niv") {
        Some(rest) => (rest, "-no-invariants"),
        None => match rest.strip_suffix("-no-invariants").or_else(|| rest.strip_suffix("-no-invariant")) {
            Some(rest) => (rest, "-no-invariants"),
            None => (rest, ""),
        },
    };
    if !invariants.is_empty() && family != "GFDL" {
        return None;
    }
    let later = ["-or-later", "+"].iter().find_map(|suffix| rest.strip_suffix(suffix));
    let version = later.or_else(|| rest.strip_suffix("-only")).unwrap_or(rest);
    let version = match (family, version.trim_start_matches('-')) {
        // "GPL" without a version leaves the choice of any.
        ("GPL", "") => return Some("GPL-1.0-or-later".into()),
        ("LGPL", "") => return Some("LGPL-2.0-or-later".into()),
        ("GPL", "1" | "1.0") | ("AGPL", "1" | "1.0") => "1.0",
        ("GPL" | "LGPL", "2" | "2.0") => "2.0",
        ("GPL" | "LGPL" | "AGPL", "3" | "3.0") => "3.0",
        ("LGPL", "2.1") => "2.1",
        ("GFDL", "1.1") => "1.1",
        ("GFDL", "1.2") => "1.2",
        ("GFDL", "1.3") => "1.3",
        _ => return None,
    };
    let which = if later.is_some() { "or-later" } else { "only" };
    Some(format!("{family}-{version}{invariants}-{which}"))
}

/// `a with b exception`, `a-with-b-exception`, `a-b-exception` → (`a`, `b`).
fn split_exception(lower: &str) -> Option<(&str, &str)> {
    if let Some((base, rest)) = lower.split_once(" with ").or_else(|| lower.split_once("-with-")) {
        let exception = rest.strip_suffix("exceptions").or_else(|| rest.strip_suffix("exception"))?;
        return Some((base.trim(), exception.trim_matches(['-', ' '])));
    }
    let rest = lower.strip_suffix("-exception")?;
    let end = rest.match_indices('-').map(|(i, _)| i).rfind(|i| gnu(&rest[..*i]).is_some())?;
    Some((&rest[..end], &rest[end + 1..]))
}

fn exception_id(words: &str, base: &str, text: &dyn Fn() -> String) -> Option<&'static str> {
    if words == "openssl" {
        let text = text().split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        return text.contains(OPENSSL).then_some("cryptsetup-OpenSSL-exception");
    }
    let (_, two, three) = EXCEPTIONS.iter().find(|(name, ..)| *name == words)?;
    if *two == "LLVM-exception" && base != "Apache-2.0" {
        return None;
    }
    Some(if base.contains("-3.0-") { three } else { two })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identifier_in_the_tables_is_one_of_spdx() {
        for (name, id) in ALIASES {
            assert!(spdx::license_id(id).is_some_and(|known| known.name == *id), "{id}");
            assert_eq!(*name, name.to_ascii_lowercase());
        }
        for id in EXCEPTIONS.iter().flat_map(|(_, two, three)| [*two, *three]).chain(["cryptsetup-OpenSSL-exception"]) {
            assert!(spdx::exception_id(id).is_some(), "{id}");
        }
    }
}
