use super::*;

fn expression(content: &str) -> String {
    let licence = from_debian_copyright(content.as_bytes());
    if let Some(expression) = &licence.expression {
        spdx::Expression::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let named = expression.split([' ', '(', ')']).filter(|word| word.starts_with("LicenseRef-"));
        let named: BTreeSet<&str> = named.collect();
        assert_eq!(licence.texts.keys().map(String::as_str).collect::<BTreeSet<_>>(), named);
    }
    licence.expression.unwrap_or("NOASSERTION".into())
}

/// A machine-readable file with one stanza for each synopsis.
fn dep5(synopses: &[&str]) -> String {
    let mut text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n".to_owned();
    for synopsis in synopses {
        text.push_str(&format!("\nFiles: *\nCopyright: 2020 Somebody\nLicense: {synopsis}\n"));
    }
    text
}

#[test]
fn short_names_become_identifiers() {
    let cases = [
        ("Expat", "MIT"),
        ("MIT", "MIT"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("GPL-2.0-only", "GPL-2.0-only"),
        ("GPL", "GPL-1.0-or-later"),
        ("LGPL-2+", "LGPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("AGPL-3+", "AGPL-3.0-or-later"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GFDL-1.3+-no-invariant", "GFDL-1.3-no-invariants-or-later"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("Apache-2.0", "Apache-2.0"),
        ("Artistic", "Artistic-1.0-Perl"),
        ("zlib", "Zlib"),
        ("Perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("public-domain", "LicenseRef-debian-public-domain"),
        ("GPL-4+", "LicenseRef-debian-GPL-4plus"),
        ("GPL-NIV-2", "LicenseRef-debian-GPL-NIV-2"),
        ("BSD", "LicenseRef-debian-BSD"),
        ("GAP~configure", "LicenseRef-debian-GAP-configure"),
        ("BSD-3-Viagénie", "LicenseRef-debian-BSD-3-Viag-nie"),
        ("~~~", "LicenseRef-debian-unnamed"),
    ];
    for (name, id) in cases {
        assert_eq!(expression(&dep5(&[name])), id, "{name}");
    }
}

#[test]
fn exceptions_are_named_where_spdx_has_them() {
    let cases = [
        ("GPL-2+ with Libtool exception", "GPL-2.0-or-later WITH Libtool-exception"),
        ("GPL-3+ with Autoconf exception", "GPL-3.0-or-later WITH Autoconf-exception-generic-3.0"),
        ("GPL-2+-autoconf-exception", "GPL-2.0-or-later WITH Autoconf-exception-generic"),
        ("GPL-3+-WITH-BISON-EXCEPTION", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("GPL-3+ with GCC-Runtime-3.1 exception", "GPL-3.0-or-later WITH GCC-exception-3.1"),
        ("Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"),
        ("GPL-2 with Linux-syscall-note exception or MIT", "GPL-2.0-only WITH Linux-syscall-note OR MIT"),
        ("GPL-2+ with OpenSSL exception", "LicenseRef-debian-GPL-2plus-with-OpenSSL-exception"),
        ("GPL-2+ with distribution exception", "LicenseRef-debian-GPL-2plus-with-distribution-exception"),
        ("MIT with LLVM exception", "LicenseRef-debian-MIT-with-LLVM-exception"),
    ];
    for (name, id) in cases {
        assert_eq!(expression(&dep5(&[name])), id, "{name}");
    }
    let openssl = dep5(&["GPL-2+ with OpenSSL exception\n In addition, as a special exception, the holders permit\n \
                          to link the code of portions of this program with the OpenSSL\n library under certain conditions \
                          as described in each individual\n source file, and distribute both."]);
    assert_eq!(expression(&openssl), "GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception");
}

#[test]
fn words_and_commas_bind_as_debian_says() {
    let cases = [
        ("GPL-1+ or Artistic", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("GPL-2+ and Expat or ISC", "ISC OR (GPL-2.0-or-later AND MIT)"),
        ("GPL-1+ or Artistic, and Expat", "MIT AND (Artistic-1.0-Perl OR GPL-1.0-or-later)"),
        ("Expat, ISC, and Zlib", "ISC AND MIT AND Zlib"),
        ("Expat and ISC, or Zlib", "Zlib OR (ISC AND MIT)"),
        ("Apache-2.0 OR BSD-2", "Apache-2.0 OR BSD-2-Clause"),
        ("ISC and/or LGPL-2.1+", "ISC OR LGPL-2.1-or-later"),
        ("Expat or Expat", "MIT"),
        ("or", "LicenseRef-debian-or"),
        (", ,", "LicenseRef-debian-unnamed"),
        ("and Expat", "MIT"),
    ];
    for (synopsis, wanted) in cases {
        assert_eq!(expression(&dep5(&[synopsis])), wanted, "{synopsis}");
    }
}

#[test]
fn stanzas_are_joined_each_licence_once_in_one_order() {
    let one = dep5(&["GPL-2+", "Expat", "GPL-2+", "Expat or GPL-2+", "Expat and ISC"]);
    let other = dep5(&["Expat and ISC", "GPL-2+ or Expat", "GPL-2+"]);
    let wanted = "GPL-2.0-or-later AND ISC AND MIT AND (GPL-2.0-or-later OR MIT)";
    assert_eq!(expression(&one), wanted);
    assert_eq!(expression(&other), wanted);
}

#[test]
fn texts_of_licences_that_spdx_does_not_have_are_kept() {
    let file = "Format: x\n\nFiles: a\nLicense: odd\n\nFiles: b\nLicense: Odd\n Other words.\n\nFiles: c\nLicense: bare\n\n\
                License: odd\n First line.\n .\n   Indented.\n\nLicense: unused\n Not there.\n";
    let licence = from_debian_copyright(file.as_bytes());
    assert_eq!(
        licence.expression.as_deref(),
        Some("LicenseRef-debian-Odd AND LicenseRef-debian-bare AND LicenseRef-debian-odd")
    );
    assert_eq!(licence.texts["LicenseRef-debian-odd"], "Other words.\n\nFirst line.\n\n  Indented.");
    assert_eq!(licence.texts["LicenseRef-debian-bare"], "The copyright file names this licence without its text.");
    assert!(!licence.guessed);
}

#[test]
fn prose_in_place_of_a_name_stays_together() {
    let prose = "Different licenses apply to different files in this package. Here\n is which.";
    assert_eq!(
        expression(&dep5(&[prose])),
        "LicenseRef-debian-Different-licenses-apply-to-different-files-in-this-package."
    );
    assert_eq!(expression(&dep5(&["GPL (see below)"])), "LicenseRef-debian-GPL-see-below");
}

#[test]
fn a_licence_for_all_stands_in_the_header_or_below_the_field() {
    assert_eq!(expression("Format: x\nLicense: Expat\n"), "MIT");
    assert_eq!(expression("Format: x\n\nLicense: Expat\n text\n"), "MIT");
    assert_eq!(expression("Format: x\n\nFiles: *\nLicense:\n Expat\n"), "MIT");
    assert_eq!(expression("\u{feff}\nformat-specification: x\n# comment\nFiles: *\nLicence: Expat\n"), "MIT");
    assert_eq!(expression("Format: x\n"), "NOASSERTION");
}

const GPL2: &str = "This program is free software; you can redistribute it and/or modify it\n * under the terms of the GNU \
                    General Public License as published by\n * the Free Software Foundation; either version 2 of the License, or\n \
                    * (at your option) any later version.\n";

#[test]
fn files_for_people_say_what_they_grant() {
    assert_eq!(expression(GPL2), "GPL-2.0-or-later");
    assert!(from_debian_copyright(GPL2.as_bytes()).guessed);
    let cases = [
        (GPL2.replace("version 2 ", "version 3 "), "GPL-3.0-or-later"),
        (GPL2.replace(", or\n * (at your option) any later version", ""), "GPL-2.0-only"),
        (GPL2.replace("General", "Lesser General").replace("version 2 ", "version 2.1 "), "LGPL-2.1-or-later"),
        (GPL2.replace("General", "Library General"), "LGPL-2.0-or-later"),
        ("licensed under the GNU General Public License, version 2 or later".into(), "GPL-2.0-or-later"),
        ("distributed under the terms of the GNU General Public License,\nversion 2.\n\nThe rest".into(), "GPL-2.0-only"),
        ("under the GNU Lesser General Public License (either version 3\nof the License, or, at your option, any later version)".into(), "LGPL-3.0-or-later"),
        ("under the GNU Lesser General Public License version 2.1+, and so on".into(), "LGPL-2.1-or-later"),
        ("the text is in `/usr/share/common-licenses/Artistic'.".into(), "Artistic-1.0-Perl"),
        ("Licensed under the Apache License, Version 2.0 (the \"License\")".into(), "Apache-2.0"),
    ];
    for (text, wanted) in cases {
        assert_eq!(expression(&text), wanted, "{text}");
    }
}

#[test]
fn what_leaves_a_question_open_asserts_nothing() {
    let cases = [
        "",
        "All rights reserved.",
        "The complete text is in /usr/share/common-licenses/GPL-2.",
        "See /usr/share/common-licenses/BSD and /usr/share/common-licenses/Apache-2.0.",
        "under the GNU General Public License version 7",
        "The text of the GNU General Public License version 2 can be found in /usr/share/common-licenses/GPL-2.",
        "under the terms of the GNU General Public License version 3 (GPLv3+)",
        "Redistribution and use in source and binary forms, as you please.",
        "\u{0}\u{fffd}",
    ];
    for text in cases {
        assert_eq!(expression(text), "NOASSERTION", "{text}");
    }
}

#[test]
fn texts_of_one_family_are_told_apart() {
    let two = "Redistribution and use in source and binary forms, with or without modification, are permitted:\n1. \
               Redistributions of source code must retain this.\n2. Redistributions in binary form must reproduce this.\n";
    let three = format!("{two}3. The name may not be used to endorse or promote products.\n");
    let four = format!("{three}4. All advertising materials mentioning features must say so.\n");
    assert_eq!(expression(two), "BSD-2-Clause");
    assert_eq!(expression(&three), "BSD-3-Clause");
    assert_eq!(expression(&format!("{four}\n\n{two}")), "BSD-2-Clause AND BSD-4-Clause");
}

#[test]
fn huge_and_hostile_files_end_in_time() {
    assert_eq!(from_debian_copyright(&vec![b'x'; MAX_COPYRIGHT + 1]), Licence::default());
    let many = dep5(&["GPL-2+ or Artistic"; 20_000]);
    assert_eq!(expression(&many), "Artistic-1.0-Perl OR GPL-2.0-or-later");
    let long = dep5(&[&"Expat or ".repeat(100_000)]);
    assert_eq!(expression(&long), "MIT");
    let text = "redistribution and use in source and binary forms ".repeat(20_000);
    assert_eq!(expression(&text), "NOASSERTION");
    let big = format!("Format: x\n\nFiles: *\nLicense: odd\n {}\n", "\u{e9}".repeat(MAX_TEXT));
    assert!(from_debian_copyright(big.as_bytes()).texts["LicenseRef-debian-odd"].len() <= MAX_TEXT);
}

proptest::proptest! {
    #[test]
    fn no_file_can_crash_the_reader(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "Format: x\n", "\n", "License: ", "Files: *\n", " text\n", " .\n", "GPL-2+", " or ", ", and ", " with ", "exception",
            "-exception", "openssl", "\u{e9}", "\u{fffd}", "(", "gnu general public license version 2", " of the licens", "+", "-NIV-",
            "redistribution and use in source and binary forms ", "/usr/share/common-licenses/", "LGPL", "\t", "\r", ":", "&",
        ]), 0..40),
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
    ) {
        for prefix in ["", "Format: x\n\nLicense: "] {
            let mut file = prefix.as_bytes().to_vec();
            file.extend(parts.concat().as_bytes());
            file.extend(&bytes);
            expression(&String::from_utf8_lossy(&file));
        }
    }
}

#[test]
fn words_of_metadata_become_expressions_where_they_surely_are() {
    for (words, expression) in [
        ("MIT", Some("MIT")),
        (" (MIT OR Apache-2.0) ", Some("(MIT OR Apache-2.0)")),
        ("MIT/Apache-2.0", Some("MIT OR Apache-2.0")),
        ("GPL-2.0", Some("GPL-2.0")),
        ("Apache-2.0 WITH LLVM-exception", Some("Apache-2.0 WITH LLVM-exception")),
        ("MIT License", Some("MIT")),
        ("apache license 2.0", Some("Apache-2.0")),
        ("BSD", None),
        ("LicenseRef-mine", None),
        ("MIT AND LicenseRef-mine", None),
        ("MIT WITH AdditionRef-mine", None),
        ("SEE LICENSE IN LICENSE.txt", None),
        ("(((", None),
        ("", None),
    ] {
        assert_eq!(from_words(words).as_deref(), expression, "{words}");
    }
}
