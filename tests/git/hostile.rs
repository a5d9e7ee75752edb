//! Repositories that mean harm.

use super::Site;

const SOURCE: &str = "git \"https://git.test/docs\" submodules=#true";

#[test]
#[ignore = "needs git"]
fn entries_that_no_tree_can_hold_are_refused() {
    let site = Site::new(SOURCE);
    let docs = site.repo("docs");
    let blob = docs.blob("x");
    for name in ["..", ".git"] {
        docs.commit("main", &docs.tree(&[("100644", name, &blob)]));
        let said = site.lock(&[]).run().code(7);
        let expected = if name == ".." { "hasDotdot" } else { "hasDotgit" };
        assert!(
            said.stderr.starts_with("error: source docs: git cannot fetch from https://git.test/docs:\n"),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains(expected), "{}", said.stderr);
        assert!(!site.world.project().join("kiln.lock").exists());
    }
}

#[test]
#[ignore = "needs git"]
fn submodules_start_no_programs() {
    let site = Site::new(SOURCE);
    let docs = site.repo("docs");
    let there = docs.manual("x\n");
    let marker = site.world.path("tmp/marker");
    let place = marker.display();
    for (url, why) in [
        (format!("ext::sh -c touch% {place}"), "`ext::` names a helper, a program that git would start"),
        ("http://git.test/docs".into(), "it is no address of a repository: it leads to plain http"),
        ("file:///etc".into(), "it is no address of a repository: it leads to files of the machine that builds"),
    ] {
        docs.with_modules(&[("lib", &url, &there)]);
        let said = site.lock(&[]).run().code(7).stderr;
        let by_kiln = said.starts_with("error: source docs: the submodule `lib` of https://git.test/docs at ");
        assert!(by_kiln && said.trim_end().ends_with(why), "{said}");
    }
    docs.with_modules(&[("lib", &format!("--upload-pack=touch {place}"), &there)]);
    let said = site.lock(&[]).run().code(7).stderr;
    assert!(said.contains("gitmodulesUrl"), "{said}");
    assert!(!marker.exists());
}

#[test]
#[ignore = "needs git"]
fn links_lead_nowhere_else() {
    let site = Site::new("git \"https://git.test/docs\"");
    let docs = site.repo("docs");
    let secret = site.world.path("home/secret");
    std::fs::write(&secret, "of the machine").unwrap();
    let link = docs.blob(secret.to_str().unwrap());
    docs.commit("main", &docs.tree(&[("120000", "link", &link)]));
    site.world.write(
        "kiln.kdl",
        "kiln 1\nsource \"docs\" { git \"https://git.test/docs\" }\nimage \"x\" { copy \"link\" from=\"docs\" to=\"/x\" }\n",
    );
    let outcome = site.build(&[]).run();
    assert!(!crate::support::files::holds(&site.world.path("store"), b"of the machine"), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs git"]
fn tokens_of_the_configuration_are_not_told() {
    let site = Site::new("git \"https://other.test/docs\"");
    // Nothing listens there.
    let settings = "[url \"https://user:tokentoken@localhost:1/\"]\n\tinsteadOf = https://other.test/\n";
    std::fs::write(site.world.path("home/.gitconfig"), settings).unwrap();
    let said = site.lock(&[]).run().code(7).stderr;
    assert!(said.contains("localhost:1/docs") && !said.contains("tokentoken"), "{said}");
}
