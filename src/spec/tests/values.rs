use super::*;

#[test]
fn a_spec_is_read_as_it_was_meant() {
    let spec = accepted(
        r#"kiln 1

apt "debian" {
    suite "trixie" "trixie-security"
}

source "app" { context "." { exclude "target" ".git" } }
source "logo" { http "https://example.com/logo.tgz" sha256="0000000000000000000000000000000000000000000000000000000000000000" unpack=#true }

image "registry.example.com/acme/hello" {
    platform "linux/amd64" "linux/arm64"
    base "cc"
    packages "debian" { add "ca-certificates" "tzdata" }
    copy "/src/target/release/hello" from="app" to="/usr/bin/hello" mode="0755"
    copy "." from="logo" to="/srv/"
    user 65532
    env PORT="8080"
    entrypoint "/usr/bin/hello"
    port 8080
}

sign { key "release.key" }
"#,
    );
    assert_eq!(spec.images.len(), 1);
    assert_eq!(spec.images[0].steps.len(), 2);
    assert_eq!(spec.images[0].ports[0].to_string(), "8080/tcp");
}

#[test]
fn all_mistakes_come_at_once() {
    let spec = "kiln 1\napt \"debian\" { siute \"x\" }\nimage \"x\" {\n bse \"cc\"\n stage\n user 0 usd=1\n \
                copy \"a\" from=\"ap\" to=\"x\"\n}\nenv A=1\n";
    assert_eq!(
        refused(spec),
        "kiln.kdl:2:16: there is no `siute` in `apt`\n\
         kiln.kdl:4:2: there is no `bse` in `image`\n\
         kiln.kdl:5:2: `stage` is not supported by this version of kiln\n\
         kiln.kdl:6:9: `user` has no property `usd`\n\
         kiln.kdl:7:16: there is no source `ap`\n\
         kiln.kdl:7:24: `x` is no absolute path\n\
         kiln.kdl:9:1: there is no `env` at the top of a spec"
    );
}
