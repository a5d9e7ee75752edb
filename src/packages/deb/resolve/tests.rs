use super::*;
use crate::packages::deb::open::fixtures::indexes;

fn request(wishes: &[&str]) -> Request {
    Request { wishes: wishes.iter().map(|text| Wish::parse(text).unwrap()).collect(), ..Request::default() }
}

fn names(resolution: &Resolution) -> Vec<String> {
    resolution.packages.iter().map(|package| format!("{} {}", package.locked.name, package.locked.version)).collect()
}

/// Resolves within one suite.
fn solve(packages: &str, wishes: &[&str]) -> Result<Vec<String>, String> {
    let indexes = indexes(&[("trixie", 500, packages)]);
    indexes.resolve(&request(wishes)).map(|found| names(&found)).map_err(|problem| problem.to_string())
}

#[test]
fn wishes_bring_what_they_need_and_nothing_else() {
    let packages = "
        app 1.0 | Depends: lib (>= 2), tool | Recommends: nice | Suggests: odd
        lib 2.1 | Pre-Depends: base
        base 1 | Essential: yes
        tool 1
        nice 1
        other 1 | Essential: yes";
    assert_eq!(solve(packages, &["app"]).unwrap(), ["app 1.0", "base 1", "lib 2.1", "tool 1"]);
    let indexes = indexes(&[("trixie", 500, packages)]);
    let with = indexes.resolve(&Request { recommends: true, ..request(&["app"]) }).unwrap();
    assert_eq!(names(&with), ["app 1.0", "base 1", "lib 2.1", "nice 1", "tool 1"]);
    let app = &with.packages[0];
    assert!(app.wished && !with.packages[1].wished && with.packages[1].essential);
    let edges: Vec<(usize, EdgeKind)> = app.edges.iter().map(|edge| (edge.to, edge.kind)).collect();
    assert_eq!(edges, [(2, EdgeKind::Depends), (3, EdgeKind::Recommends), (4, EdgeKind::Depends)]);
    assert_eq!(with.packages[2].edges, [Edge { to: 1, kind: EdgeKind::PreDepends }]);
}

#[test]
fn the_essential_packages_are_those_of_the_suites_that_are_asked_first() {
    let indexes = indexes(&[
        ("trixie", 500, "base 1 | Essential: yes\nother 1\nthird 1 | Essential: yes"),
        ("trixie-backports", 100, "base 2 | Essential: yes\nlater 1 | Essential: yes"),
    ]);
    assert_eq!(indexes.essential().into_iter().collect::<Vec<_>>(), ["base", "third"]);
}

#[test]
fn the_first_alternative_that_works_is_taken() {
    let packages = "
        app 1 | Depends: gone|broken|good|better
        broken 1 | Depends: helper, nowhere
        helper 1
        good 1
        better 1";
    assert_eq!(solve(packages, &["app"]).unwrap(), ["app 1", "good 1"]);
    // What is there anyway is preferred to what would have to come.
    assert_eq!(solve(packages, &["better", "app"]).unwrap(), ["app 1", "better 1"]);
}

#[test]
fn names_may_be_provided_in_versions() {
    let packages = "
        plain 1 | Provides: service
        exact 1 | Provides: service (= 3)
        any 1 | Depends: service
        new 1 | Depends: service (>= 2)
        newer 1 | Depends: service (>= 4)";
    assert_eq!(solve(packages, &["new"]).unwrap(), ["exact 1", "new 1"]);
    assert_eq!(solve(packages, &["plain", "any"]).unwrap(), ["any 1", "plain 1"]);
    assert!(solve(packages, &["newer"]).unwrap_err().contains("newer 1 needs service (>= 4), which nothing offers"));
}

#[test]
fn virtual_names_are_granted_where_they_are_clear() {
    let packages = "one 1 | Provides: single, both\ntwo 1 | Provides: both";
    assert_eq!(solve(packages, &["single"]).unwrap(), ["one 1"]);
    assert!(solve(packages, &["both"]).unwrap_err().contains("choose one of one, two"));
    let error = solve("python3 1\npython3-minimal 1", &["pyhton3"]).unwrap_err();
    assert_eq!(error, "pyhton3: there is no such package; did you mean python3?");
    assert_eq!(solve("aa 1", &["zebra"]).unwrap_err(), "zebra: there is no such package");
}

#[test]
fn any_means_packages_that_allow_it() {
    let packages = "
        app 1 | Depends: run:any
        bad 1 | Depends: other:any
        native 1 | Depends: other:native, run:amd64
        foreign 1 | Depends: other:arm64
        run 1 | Multi-Arch: allowed
        other 1";
    assert_eq!(solve(packages, &["app"]).unwrap(), ["app 1", "run 1"]);
    assert!(solve(packages, &["bad"]).is_err());
    assert_eq!(solve(packages, &["native"]).unwrap(), ["native 1", "other 1", "run 1"]);
    assert!(solve(packages, &["foreign"]).is_err());
}

#[test]
fn conflicts_turn_the_choice() {
    let packages = "
        app 1 | Depends: mta
        heavy 1 | Provides: mta | Conflicts: mta
        light 1 | Provides: mta | Conflicts: mta
        system 1 | Conflicts: light
        old 1 | Breaks: heavy (<< 2)";
    // Of equals apt takes the one that was mentioned last; a package may refuse a name that it provides itself.
    assert_eq!(solve(packages, &["app"]).unwrap(), ["app 1", "light 1"]);
    assert_eq!(solve(packages, &["system", "app"]).unwrap(), ["app 1", "heavy 1", "system 1"]);
    assert_eq!(solve(packages, &["app", "system"]).unwrap(), ["app 1", "heavy 1", "system 1"]);
    assert_eq!(solve(packages, &["old", "app"]).unwrap(), ["app 1", "light 1", "old 1"]);
}

#[test]
fn where_apts_way_fails_another_one_is_found() {
    // The first alternative of `first` excludes the only one of `second`, which apt's order sees too late.
    let packages = "
        first 1 | Depends: middle
        middle 1 | Depends: left|right
        left 1
        right 1
        second 1 | Depends: deep
        deep 1 | Depends: deeper
        deeper 1 | Conflicts: left";
    assert_eq!(
        solve(packages, &["first", "second"]).unwrap(),
        ["deep 1", "deeper 1", "first 1", "middle 1", "right 1", "second 1"]
    );
}

#[test]
fn the_highest_version_of_all_suites_is_taken_unless_pinned() {
    let suites = [
        ("trixie", 500, "lib 1.0\napp 1.0 | Depends: lib"),
        ("trixie-security", 500, "lib 1.0+deb13u1"),
        ("trixie-backports", 100, "lib 2.0\nnew 1 | Depends: lib (>= 2)"),
    ];
    let indexes = indexes(&suites);
    let solve = |wishes: &[&str]| indexes.resolve(&request(wishes)).map(|found| names(&found));
    assert_eq!(solve(&["app"]).unwrap(), ["app 1.0", "lib 1.0+deb13u1"]);
    assert_eq!(solve(&["app", "lib=1.0"]).unwrap(), ["app 1.0", "lib 1.0"]);
    assert_eq!(solve(&["app", "lib/trixie-backports"]).unwrap(), ["app 1.0", "lib 2.0"]);
    // Suites that only serve on demand serve on demand only.
    let error = solve(&["new"]).unwrap_err().to_string();
    assert!(error.contains("lib 2.0 of trixie-backports is not taken unless"), "{error}");
    assert_eq!(solve(&["new", "lib/trixie-backports"]).unwrap(), ["lib 2.0", "new 1"]);
    let error = solve(&["lib=3.0"]).unwrap_err().to_string();
    assert!(
        error.contains("lib=3.0: there is no such version; there is 2.0 in trixie-backports, 1.0+deb13u1"),
        "{error}"
    );
    let resolution = indexes.resolve(&request(&["lib"])).unwrap();
    let lib = &resolution.packages[0];
    assert_eq!((lib.locked.suite.as_str(), lib.index), ("trixie-security", 1));
}

#[test]
fn locked_versions_stay_while_nothing_speaks_against_them() {
    let suites = [
        ("trixie", 500, "lib 1.0\napp 1.0 | Depends: lib"),
        ("trixie-security", 500, "lib 1.1\nneedy 1 | Depends: lib (>= 1.1)"),
    ];
    let indexes = indexes(&suites);
    let preferred = [("lib".to_owned(), "1.0".to_owned())].into();
    let mut request = Request { preferred, ..request(&["app"]) };
    assert_eq!(names(&indexes.resolve(&request).unwrap()), ["app 1.0", "lib 1.0"]);
    request.wishes.push(Wish::named("needy"));
    assert_eq!(names(&indexes.resolve(&request).unwrap()), ["app 1.0", "lib 1.1", "needy 1"]);
    request.preferred = [("lib".to_owned(), "0.9".to_owned())].into();
    assert_eq!(names(&indexes.resolve(&request).unwrap()), ["app 1.0", "lib 1.1", "needy 1"]);
}

const STATUS: &str = "\
Package: libc6
Status: install ok installed
Source: glibc
Version: 2.40-1
Architecture: amd64
Provides: libc-api (= 5)

Package: libc-bin
Status: install ok installed
Source: glibc
Version: 2.40-1
Architecture: amd64
Depends: libc6 (<< 2.41)

Package: removed
Status: deinstall ok config-files
Version: 1
Architecture: amd64
";

#[test]
fn what_is_there_already_counts() {
    let installed = Installed::read(STATUS);
    assert_eq!(installed.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["libc6", "libc-bin"]);
    assert_eq!((installed[0].source.as_str(), installed[0].source_version.as_str()), ("glibc", "2.40-1"));
    let packages = "
        old 1 | Depends: libc6 (>= 2.30), libc-api (>= 5)
        new 1 | Depends: libc6 (>= 2.41)
        libc6 2.41-1 | Source: glibc
        libc-bin 2.41-1 | Source: glibc | Depends: libc6 (>= 2.41)
        hater 1 | Conflicts: libc-bin";
    let indexes = indexes(&[("trixie", 500, packages)]);
    let solve = |wish: &str| indexes.resolve(&Request { installed: installed.clone(), ..request(&[wish]) });
    assert_eq!(names(&solve("old").unwrap()), ["old 1"]);
    let upgraded = solve("new").unwrap();
    assert_eq!(names(&upgraded), ["libc-bin 2.41-1", "libc6 2.41-1", "new 1"]);
    assert_eq!(upgraded.packages[1].replaces.as_deref(), Some("2.40-1"));
    // Nothing that is there is taken away.
    let error = solve("hater").unwrap_err().to_string();
    assert!(error.contains("hater 1 conflicts with libc-bin"), "{error}");
}

#[test]
fn status_d_files_name_no_status() {
    let read = Installed::read("Package: tzdata\nVersion: 2025b-4\nArchitecture: all\nMulti-Arch: foreign\n");
    assert_eq!(
        (read[0].name.as_str(), read[0].source.as_str(), read[0].multi_arch.as_str()),
        ("tzdata", "tzdata", "foreign")
    );
    assert!(Installed::read("").is_empty() && Installed::read("Package: x\n\nVersion: 1\n").is_empty());
}

#[test]
fn a_contradiction_is_told_from_the_wishes_to_the_clash() {
    let error = solve(
        "web 1 | Depends: ssl (>= 3)\nssl 3.1\nlegacy 1 | Depends: compat\ncompat 1 | Conflicts: ssl (>> 3)",
        &["web", "legacy"],
    )
    .unwrap_err();
    assert_eq!(
        error,
        "the packages cannot be installed together:\n  web is wished for\n  web 1 needs ssl (>= 3)\n  \
         legacy is wished for\n  legacy 1 needs compat\n  compat 1 conflicts with ssl (>> 3)"
    );
    let error = solve("app 1 | Depends: lib (>= 2)\nlib 1.5", &["app"]).unwrap_err();
    assert!(
        error.ends_with("app is wished for\n  app 1 needs lib (>= 2), which nothing offers; there is lib 1.5"),
        "{error}"
    );
    let error = solve("aa 1 | Conflicts: bb\nbb 1", &["aa", "bb"]).unwrap_err();
    assert!(error.contains("bb is wished for\n  aa is wished for\n  aa 1 conflicts with bb"), "{error}");
}

#[test]
fn every_way_of_a_choice_that_fails_is_told() {
    let packages = "
        app 1 | Depends: left|right
        left 1 | Depends: nothing
        right 1 | Conflicts: base
        base 1";
    let error = solve(packages, &["app", "base"]).unwrap_err();
    for part in
        ["app 1 needs left | right", "left 1 needs nothing, which nothing offers", "right 1 conflicts with base"]
    {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn wishes_are_read_strictly() {
    let wish = Wish::parse("libc6=2.41-12").unwrap();
    assert_eq!((wish.name.as_str(), wish.version.as_deref(), wish.suite), ("libc6", Some("2.41-12"), None));
    assert_eq!(Wish::parse("nginx/trixie-backports").unwrap().suite.as_deref(), Some("trixie-backports"));
    for text in ["libc6=2.41-12", "nginx/trixie-backports", "g++"] {
        assert_eq!(Wish::parse(text).unwrap().to_string(), text);
    }
    for bad in ["", "a", "Upper", "../x", "a b", "x=", "aa=b", "aa/", "-aa", "aa;rm"] {
        assert!(Wish::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn long_chains_and_circles_end() {
    let chain: String = (0..2500).map(|n| format!("p{n:05} 1 | Depends: p{:05}\n", n + 1)).collect();
    assert_eq!(solve(&format!("{chain}p02500 1"), &["p00000"]).unwrap().len(), 2501);
    assert!(solve(&chain, &["p00000"]).is_err());
    assert_eq!(solve("aa 1 | Depends: bb\nbb 1 | Depends: cc\ncc 1 | Depends: aa", &["bb"]).unwrap().len(), 3);
    assert!(solve("aa 1 | Depends: bb\nbb 1 | Conflicts: aa", &["aa"]).is_err());
}

#[test]
fn edges_follow_what_the_set_offers() {
    let set = [
        Facts {
            name: "app",
            version: "1",
            depends: "gone | mta, lib (>= 2), run:any",
            recommends: "lib",
            ..Facts::default()
        },
        Facts { name: "exim", version: "4", provides: "mta", ..Facts::default() },
        Facts { name: "lib", version: "2", ..Facts::default() },
        Facts { name: "postfix", version: "3", provides: "mta", pre_depends: "postfix", ..Facts::default() },
        Facts { name: "run", version: "1", multi_arch_allowed: true, depends: "lib (>= 3)", ..Facts::default() },
    ];
    let arrows = |edges: &[Edge]| edges.iter().map(|edge| edge.to).collect::<Vec<_>>();
    let found = edges(&set);
    assert_eq!(
        found.iter().map(|edges| arrows(edges)).collect::<Vec<_>>(),
        [vec![1, 2, 3, 4], vec![], vec![], vec![], vec![]]
    );
    assert!(found[0].iter().all(|edge| edge.kind == EdgeKind::Depends));
}

#[test]
fn the_solver_gives_the_same_answer_every_time() {
    // A mesh of alternatives, so that there is much to choose from.
    let mut packages = String::new();
    for n in 0..40 {
        let (a, b, c) = ((n * 7 + 1) % 40, (n * 11 + 3) % 40, (n * 13 + 5) % 40);
        packages += &format!(
            "p{n:02} 1 | Depends: p{a:02}|p{b:02}, v{}|p{c:02} | Provides: v{} | Conflicts: p{:02}\n",
            n % 5,
            n % 7,
            (n + 20) % 40
        );
    }
    let indexes = indexes(&[("trixie", 500, &packages)]);
    let request = request(&["p01", "p14"]);
    let solve = || {
        let universe = Universe::new(&indexes, &request).unwrap();
        let chosen = complete::solve(&universe);
        chosen.map(|chosen| names(&universe.resolution(&chosen))).map_err(|problem| problem.to_string())
    };
    let first = solve();
    assert!(first.is_ok(), "{first:?}");
    for _ in 0..20 {
        assert_eq!(solve(), first);
    }
}
