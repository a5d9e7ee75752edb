use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn texts(urls: Vec<Url>) -> Vec<String> {
    urls.iter().map(|url| url.secret().to_string()).collect()
}

#[test]
fn the_order_is_spec_environment_apt_debian() {
    let config = MirrorConfig {
        environment: Some(url("http://env.example.com/debian/")),
        apt: vec![url("http://apt.example.com/debian"), url("http://apt.example.com/debian-security")],
    };
    let spec = url("https://spec.example.com/debian");
    assert_eq!(texts(config.places("debian", Some(&spec))), ["https://spec.example.com/debian"]);
    assert_eq!(texts(config.places("debian-security", Some(&spec))), ["https://spec.example.com/debian-security"]);
    assert_eq!(texts(config.places("debian", None)), ["http://env.example.com/debian/"]);
    assert_eq!(texts(config.places("debian-security", None)), ["http://env.example.com/debian-security"]);
    let config = MirrorConfig { environment: None, ..config };
    assert_eq!(texts(config.places("debian", None)), ["http://apt.example.com/debian", "http://ftp.debian.org/debian"]);
    assert_eq!(
        texts(config.places("debian-security", None)),
        ["http://apt.example.com/debian-security", "http://security.debian.org/debian-security"]
    );
    assert_eq!(texts(MirrorConfig::default().places("debian", None)), ["http://ftp.debian.org/debian"]);
    assert!(MirrorConfig::default().places("mine", None).is_empty());
}

#[test]
fn a_mirror_under_another_name_is_taken_for_debian_only() {
    let config = MirrorConfig { environment: Some(url("http://env.example.com/mirror")), apt: vec![] };
    assert_eq!(texts(config.places("debian", None)), ["http://env.example.com/mirror"]);
    assert_eq!(texts(config.places("debian-security", None)), ["http://security.debian.org/debian-security"]);
    let security = url("http://user:pw@example.com/x/debian-security/");
    assert_eq!(texts(config.places("debian", Some(&security))), ["http://user:pw@example.com/x/debian"]);
    assert_eq!(texts(config.places("mine", Some(&url("http://example.com/debian")))), ["http://example.com/debian"]);
    assert!(config.places("mine", None).is_empty());
}

#[test]
fn apts_sources_are_read_in_both_forms() {
    let root = tempfile::tempdir().unwrap();
    let apt = root.path().join("etc/apt");
    std::fs::create_dir_all(apt.join("sources.list.d")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(apt.join(name), text).unwrap();
    write(
        "sources.list",
        "# deb http://no.example.com/debian x main\n\
         deb\t[ arch=amd64 signed-by=/x ] http://one.example.com/debian trixie main # comment\n\
         deb-src http://src.example.com/debian trixie main\n\
         deb cdrom:[Debian]/ trixie main\n deb file:/srv/debian trixie main\ndebhttp://no.example.com/debian\n",
    );
    write("sources.list.d/b.list", "deb http://two.example.com/debian-security trixie-security main");
    write(
        "sources.list.d/a.sources",
        "Types: deb deb-src\nURIs: http://three.example.com/debian\n http://four.example.com/debian/\nSuites: trixie\n\n\
         Types: deb\nURIs: http://off.example.com/debian\nEnabled: no\n\nTypes: deb-src\nURIs: http://src.example.com/debian\n",
    );
    write("sources.list.d/old.list.save", "deb http://old.example.com/debian x main");
    let config = MirrorConfig::read(root.path(), Some(" ")).unwrap();
    assert_eq!(
        texts(config.apt.clone()),
        [
            "http://one.example.com/debian",
            "file:///srv/debian",
            "http://three.example.com/debian",
            "http://four.example.com/debian/",
            "http://two.example.com/debian-security",
        ]
    );
    assert_eq!(config.environment, None);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(MirrorConfig::read(empty.path(), None).unwrap(), MirrorConfig::default());
    let error = MirrorConfig::read(empty.path(), Some("ftp://user:pw@example.com/")).unwrap_err();
    assert!(!error.to_string().contains("pw"));
}
