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
    let spec = "kiln 1\napt \"debian\" { siute \"x\" }\nimage \"x\" {\n bse \"cc\"\n policy\n user 0 usd=1\n \
                copy \"a\" from=\"ap\" to=\"x\"\n}\nenv A=1\n";
    assert_eq!(
        refused(spec),
        "kiln.kdl:2:16: there is no `siute` in `apt`\n\
         kiln.kdl:4:2: there is no `bse` in `image`\n\
         kiln.kdl:5:2: there is no `policy` in `image`\n\
         kiln.kdl:6:9: `user` has no property `usd`\n\
         kiln.kdl:7:16: there is no source or stage `ap`\n\
         kiln.kdl:7:24: `x` is no absolute path\n\
         kiln.kdl:9:1: there is no `env` at the top of a spec"
    );
}

#[test]
fn what_is_not_said_has_its_default() {
    let image = accepted_image("packages \"debian\" { add \"nginx\" }");
    assert_eq!(image.platforms[0].to_string(), "linux/amd64");
    assert_eq!(image.base, None);
    assert_eq!(image.user, None);
    assert_eq!(image.layers, Layers { max: 8, compression: Compression::Gzip, level: None });
    assert!(!image.packages[0].recommends);
    assert_eq!(image.packages[0].dpkg, Dpkg::StatusD);
    let image = accepted_image("mkdir \"/a\"\nfile \"/b\" \"c\"\ncopy \"d\" from=\"app\" to=\"/e\"");
    assert!(matches!(&image.steps[0], Step::Mkdir(mkdir) if mkdir.mode == 0o755 && mkdir.owner.is_none()));
    assert!(matches!(&image.steps[1], Step::File(file) if file.mode == 0o644 && file.content.value == "c"));
    assert!(matches!(&image.steps[2], Step::Copy(copy) if copy.mode.is_none() && copy.paths[0].value == "d"));
}

#[test]
fn the_debian_archive_need_not_be_declared() {
    let with = |nodes: &str| accepted(&format!("kiln 1\nimage \"x\" {{ {nodes} }}\n")).apts;
    let apts = with("packages \"debian\" { add \"nginx\" }");
    assert_eq!(apts.len(), 1);
    let suites: Vec<&str> = apts[0].suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(suites, ["trixie", "trixie-security"]);
    assert_eq!(apts[0].components[0].value, "main");
    assert_eq!(with("base \"cc\"").len(), 1, "kiln's own bases come from there too");
    assert_eq!(with("user 0").len(), 0);
    let declared = accepted("kiln 1\napt \"debian\" { suite \"sid\" }\nimage \"x\" { base \"cc\" }\n").apts;
    assert_eq!(declared.len(), 1);
    assert_eq!(declared[0].suites[0].name.value, "sid");
}

#[test]
fn steps_keep_their_order() {
    let image = accepted_image(
        "remove \"/a\"\nenv X=\"y\"\nmkdir \"/b\"\nsymlink \"/c\" to=\"d\"\nfile \"/e\" \"\"\ncopy \".\" from=\"app\" to=\"/\"\nmkdir \"/f\"",
    );
    let kinds: Vec<&str> = image
        .steps
        .iter()
        .map(|step| match step {
            Step::Copy(_) => "copy",
            Step::Mkdir(_) => "mkdir",
            Step::File(_) => "file",
            Step::Symlink(_) => "symlink",
            Step::Remove(_) => "remove",
            Step::Run(_) => "run",
        })
        .collect();
    assert_eq!(kinds, ["remove", "mkdir", "symlink", "file", "copy", "mkdir"]);
}

#[test]
fn owners_and_modes() {
    let owner = |text: &str| {
        let image = accepted_image(&format!("mkdir \"/a\" owner={text}"));
        let Step::Mkdir(step) = &image.steps[0] else { unreachable!("a mkdir") };
        step.owner.clone().unwrap().value
    };
    let name = |name: &str| Principal::Name(name.into());
    assert_eq!(owner("\"app\""), Owner { user: name("app"), group: None });
    assert_eq!(owner("\"app:www-data\""), Owner { user: name("app"), group: Some(name("www-data")) });
    assert_eq!(owner("10001"), Owner { user: Principal::Id(10001), group: None });
    assert_eq!(owner("\"10001:app\""), Owner { user: Principal::Id(10001), group: Some(name("app")) });
    for wrong in [
        "\"\"",
        "\":\"",
        "\"a:\"",
        "\":b\"",
        "\"a:b:c\"",
        "\"A\"",
        "-1",
        "4294967295",
        "\"4294967295\"",
        "#true",
        "\"1a\"",
    ] {
        refused_image(&format!("mkdir \"/a\" owner={wrong}"));
    }
    let mode = |text: &str| {
        let image = accepted_image(&format!("mkdir \"/a\" mode=\"{text}\""));
        let Step::Mkdir(step) = &image.steps[0] else { unreachable!("a mkdir") };
        step.mode
    };
    assert_eq!([mode("0755"), mode("755"), mode("1777"), mode("04755")], [0o755, 0o755, 0o1777, 0o4755]);
    for wrong in ["", "7", "77", "0888", "17777", "+755", "0o755", "000755"] {
        refused_image(&format!("mkdir \"/a\" mode=\"{wrong}\""));
    }
}

#[test]
fn users_in_all_their_forms() {
    let user = |text: &str| accepted_image(text).user.map(|user| user.value);
    assert_eq!(user("user 65532"), Some(RunAs::Id { uid: 65532, gid: None }));
    assert_eq!(user("user 1 gid=2"), Some(RunAs::Id { uid: 1, gid: Some(2) }));
    assert_eq!(user("user \"root\""), Some(RunAs::Name("root".into())));
    let image = accepted_image(
        "user \"app\" uid=10001 home=\"/srv\" { groups \"www-data\" \"adm\" }\naccount \"db\" uid=10002 gid=5",
    );
    let Some(RunAs::Account(app)) = image.user.map(|user| user.value) else { panic!("an account") };
    assert_eq!(
        (app.uid.value, app.gid, app.home.as_str(), app.shell.as_str()),
        (10001, 10001, "/srv", "/usr/sbin/nologin")
    );
    assert_eq!(app.groups.len(), 2);
    assert_eq!(image.accounts.len(), 2);
    assert_eq!(
        (image.accounts[1].uid.value, image.accounts[1].gid, image.accounts[1].home.as_str()),
        (10002, 5, "/nonexistent")
    );
}

#[test]
fn times_are_nanoseconds() {
    let probe = |interval: &str| {
        let image = accepted_image(&format!("healthcheck \"a\" interval=\"{interval}\""));
        match image.healthcheck.unwrap().value {
            Healthcheck::Probe(probe) => probe.interval.unwrap(),
            Healthcheck::Off => unreachable!("a probe"),
        }
    };
    assert_eq!(probe("500ms"), 500_000_000);
    assert_eq!(probe("1m30s"), 90_000_000_000);
    assert_eq!(probe("2h"), 7_200_000_000_000);
    for wrong in ["", "0s", "30", "s", "1s1m", "1s1s", "1.5s", "-1s", "25h", "99999999999999999999s", "1 s"] {
        refused_image(&format!("healthcheck \"a\" interval=\"{wrong}\""));
    }
    assert_eq!(accepted_image("healthcheck #false").healthcheck.unwrap().value, Healthcheck::Off);
}

#[test]
fn sources_of_all_kinds() {
    let spec = accepted(
        "kiln 1\nsource \"a\" { context \"./web/app\" { exclude \"*.log\" \"!keep.log\"; include \"src/**\" } }\n\
         source \"b\" { http \"https://example.com/a/b%20c.txt?x=1\" mode=\"0755\" }\n\
         source \"c\" { http \"https://example.com/\" filename=\"index.html\" }\n\
         source \"d\" { oci \"layouts/x\" ref=\"registry.example.com/x:1\" platform=\"linux/arm64\" }\n\
         source \"e\" { http \"https://example.com/\" unpack=#true }\n\
         source \"f\" { context \".\" }\n\
         source \"g\" { git \"git@example.com:docs.git\" ref=\"v1\" subdir=\"a/b\" submodules=#true }\n\
         image \"x\" { base \"d\" }\n",
    );
    let kinds: Vec<&SourceKind> = spec.sources.iter().map(|source| &source.kind).collect();
    assert!(
        matches!(kinds[0], SourceKind::Context(c) if c.path.value == "web/app" && c.exclude.len() == 2 && c.include.len() == 1)
    );
    assert!(matches!(kinds[1], SourceKind::Http(h) if h.filename == "b c.txt" && h.mode == Some(0o755) && !h.unpack));
    assert!(matches!(kinds[2], SourceKind::Http(h) if h.filename == "index.html"));
    assert!(matches!(kinds[3], SourceKind::Oci(o) if o.path.value == "layouts/x" && o.platform.is_some()));
    assert!(matches!(kinds[4], SourceKind::Http(h) if h.unpack && h.filename.is_empty()));
    assert!(matches!(kinds[5], SourceKind::Context(c) if c.path.value.is_empty()));
    let SourceKind::Git(git) = kinds[6] else { panic!("{:?}", kinds[6]) };
    assert_eq!(git.address.value.uri(), "ssh://git@example.com/docs.git");
    assert_eq!(git.revision.as_ref().unwrap().value, crate::git::Revision::Name("v1".into()));
    assert_eq!((git.subdir.value.as_str(), git.submodules), ("a/b", true));
    assert_eq!(spec.images[0].base.as_ref().unwrap().value, Base::Source("d".into()));
}

#[test]
fn args_fill_texts_and_keep_their_types() {
    let text = "kiln 1\narg \"v\" default=\"1.0\"\narg \"w\" default=\"1.0\"\narg \"n\" type=\"int\" default=8080\narg \"f\" type=\"bool\" default=#false\n\
                image \"x-${w}\" {\n port \"${n}\"\n env A=\"${v}\" B=\"p${n}q${f}\" C=\"$${v} $v $$ ${n}\" D=#\"${v}\"# E=\"${f}\"\n \
                packages \"debian\" recommends=\"${f}\" { add \"ab=${w}\" }\n}\n";
    let values = |given: &[(&str, &str)]| {
        let loaded = load(&files(text, &[]), "kiln.kdl", &args(given)).unwrap();
        let image = loaded.spec.images[0].clone();
        let env: Vec<String> = image.env.iter().map(|pair| pair.value.value.clone()).collect();
        (image.name.repository.clone(), image.ports[0].number, image.packages[0].recommends, env, loaded.spec.args)
    };
    let (name, port, recommends, env, _) = values(&[]);
    assert_eq!((name.as_str(), port, recommends), ("library/x-1.0", 8080, false));
    assert_eq!(env, ["1.0", "p8080qfalse", "${v} $v $$ 8080", "${v}", "false"]);
    let (_, port, recommends, env, args) = values(&[("n", "9"), ("f", "true"), ("v", "2${n}")]);
    assert_eq!((port, recommends), (9, true));
    assert_eq!(env[0], "2${n}", "what the command line gives is not looked at again");
    assert_eq!(args[2].value, ArgValue::Int(9));
    assert_eq!(args[2].origin, ArgOrigin::CommandLine);
}

#[test]
fn templates_are_put_in_place_with_their_parameters() {
    let spec = accepted(
        "kiln 1\narg \"p\" default=\"arg\"\n\
         template \"inner\" { param \"q\"; env \"INNER\"=\"${q}/${p}\" }\n\
         template \"outer\" { param \"p\" default=\"param\"; env OUTER=\"${p}\"; use \"inner\" q=\"${p}\" }\n\
         template \"inputs\" { source \"app\" { context \".\" } }\n\
         use \"inputs\"\n\
         image \"x\" { env FIRST=\"${p}\"; use \"outer\"; env LAST=\"\"; copy \".\" from=\"app\" to=\"/\" }\n\
         image \"y\" { use \"outer\" p=\"given\" }\n",
    );
    let env = |image: usize| -> Vec<String> {
        spec.images[image].env.iter().map(|pair| format!("{}={}", pair.name.value, pair.value.value)).collect()
    };
    assert_eq!(env(0), ["FIRST=arg", "OUTER=param", "INNER=param/arg", "LAST="]);
    assert_eq!(env(1), ["OUTER=given", "INNER=given/arg"], "a template does not see the parameters of its user");
    assert_eq!(spec.sources.len(), 1);
}

#[test]
fn copies_name_paths_of_their_source() {
    let paths = |text: &str| -> Vec<String> {
        let image = accepted_image(&format!("copy {text} from=\"app\" to=\"/x/\""));
        let Step::Copy(copy) = &image.steps[0] else { unreachable!("a copy") };
        copy.paths.iter().map(|path| path.value.clone()).collect()
    };
    assert_eq!(paths("\".\" \"/\""), ["", ""]);
    assert_eq!(paths("\"/a/b\" \"a/b\" \"*\" \"**/x[^a-c]?\""), ["a/b", "a/b", "*", "**/x[^a-c]?"]);
    for wrong in ["\"\"", "\"..\"", "\"a/..\"", "\"./a\"", "\"a//b\"", "\"[\"", "\"[]\"", "\"a**b\"", "\"a\\\\*\""] {
        refused_image(&format!("copy {wrong} from=\"app\" to=\"/x/\""));
    }
}
