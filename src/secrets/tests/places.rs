//! Files whose kind tells what in them is a secret, and settings that are named like one.

use super::{Leaks, Place, none, one};
use crate::secrets::fixtures::files::FILES;
use crate::secrets::fixtures::{Fill, Random, secret};
use crate::secrets::{place, search_text};
use crate::tree::TreePath;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[test]
fn what_stands_at_its_place_is_found_and_what_only_stands_for_it_is_not() {
    for (seed, (rule, path, content, template)) in FILES.iter().enumerate() {
        let random = &mut Random::new(seed as u64 + 70);
        // Of a hash the whole field is the secret.
        let (before, template) = match *rule {
            "htpasswd-hash" => ("$apr1$", "{a8}${a22}"),
            "password-hash" => ("$y$j9T$", "{a22}${a43}"),
            _ => ("", *template),
        };
        let value = secret(template, random, Fill::Random);
        let leak = one(path, content.replace("{}", &value), rule, format!("{before}{value}"));
        assert_eq!(leak.shown, "…", "{rule}");
        assert!(leak.line.is_some());
        if !before.is_empty() {
            none(path, content.replace(&format!("{before}{{}}"), "*").replace("!", ""));
            none(path, content.replace(&format!("{before}{{}}"), "!"));
            continue;
        }
        for placeholder in
            ["${SECRET}", "<secret>", "changeme", "xxxxxxxxxxxx", "{{ secret }}", "password", "your-secret-here"]
        {
            none(path, content.replace("{}", placeholder));
        }
    }
}

#[test]
fn logins_of_registries_are_found() {
    let login = STANDARD.encode("me:tr0ub4dor&3");
    let text = |auth: &str| {
        format!("{{\"auths\": {{\"registry.corp.net\": {{\"auth\": \"{auth}\"}}}}, \"credsStore\": \"\"}}")
    };
    one("root/.docker/config.json", text(&login), "docker-credentials", &login);
    one("run/containers/auth.json", text(&login), "docker-credentials", &login);
    none("root/.docker/config.json", text(&STANDARD.encode("me:")));
    none("root/.docker/config.json", text("bm8gY29sb24"));
    none("root/.docker/config.json", "{\"auths\": {\"registry.corp.net\": {}}, \"credHelpers\": {\"x\": \"gcloud\"}}");
}

#[test]
fn commands_and_history_tell_passwords() {
    let password = "tr0ub4dor-Xy9";
    for command in [
        "curl -u me:{} https://corp.net",
        "RUN curl --user \"me:{}\" https://corp.net",
        "sshpass -p {} ssh me@corp.net",
        "mysql -uroot -p{} app",
        "docker login -u me -p {} registry.corp.net",
        "tool --password {} --verbose",
        "keytool -import -storepass {} -file x",
    ] {
        let leaks = search_text(command.replace("{}", password), Place::Command);
        let rules: Vec<&str> = leaks.iter().map(|leak| leak.rule.id).collect();
        assert_eq!(rules, ["command-password"], "{command}");
        assert_eq!(leaks[0].digest, crate::oci::Digest::of(password), "{command}");
        for other in ["$PASSWORD", "\"$(cat /run/secrets/x)\"", "${X}", "changeit", "/run/secrets/x"] {
            let text = command.replace("{}", other);
            assert_eq!(search_text(&text, Place::Command), [], "{text}");
        }
    }
    for history in ["ls -l\ncurl -u me:{} https://corp.net\n", "make\ncurl \\\n  -u me:{} \\\n  https://corp.net\n"] {
        one("root/.bash_history", history.replace("{}", password), "command-password", password);
        none("root/.bash_history", history.replace("{}", "$PASSWORD"));
    }
    let login = STANDARD.encode("me:tr0ub4dor-Xy9");
    for (scheme, value) in
        [("Bearer", "Zx81kq02mvn4Ty7bQ9"), ("token", "Zx81kq02mvn4Ty7bQ9"), ("Basic", login.as_str())]
    {
        let text = |value: &str| format!("curl -H 'Authorization: {scheme} {value}' https://corp.net");
        let leaks = search_text(text(value), Place::Command);
        assert_eq!(leaks.iter().map(|leak| leak.rule.id).collect::<Vec<_>>(), ["generic-secret"]);
        assert_eq!(leaks[0].digest, crate::oci::Digest::of(value));
        for other in ["$TOKEN", "<token>", "bm8gY29sb24", "x"] {
            assert_eq!(search_text(text(other), Place::Command), []);
        }
    }
    let leaks = search_text("/bin/sh -c export DB_PASSWORD=tr0ub4dor-Xy9 && make", Place::Command);
    assert_eq!(leaks.iter().map(|leak| leak.rule.id).collect::<Vec<_>>(), ["generic-password"]);
}

#[test]
fn variables_and_labels_are_read() {
    let rules = |text: &str, place| search_text(text, place).iter().map(|leak| leak.rule.id).collect::<Vec<_>>();
    assert_eq!(rules("POSTGRES_PASSWORD=tr0ub4dor", Place::Variables), ["generic-password"]);
    assert_eq!(rules("POSTGRES_PASSWORD=two words, and = signs", Place::Variables), ["generic-password"]);
    assert_eq!(rules("com.corp.api-token=Zx81kq02mvn4Ty7bQ9", Place::Label), ["generic-secret"]);
    for quiet in [
        "PATH=/usr/bin:/bin",
        "POSTGRES_PASSWORD=",
        "POSTGRES_PASSWORD_FILE=/run/secrets/pw",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "PYTHON_SHA256=8fb5f9fbc7609fa822cb31549884575db7fd9657cbffb89510b5d7975963a83a",
        "TOKEN_URL=https://corp.net/token",
    ] {
        assert_eq!(rules(quiet, Place::Variables), Vec::<&str>::new(), "{quiet}");
    }
}

#[test]
fn answers_can_be_kept() {
    let leaks = super::leaks("root/.pgpass", "db:5432:app:me:tr0ub4dor-Xy9\n");
    let kept = serde_json::to_string(&leaks).unwrap();
    assert!(kept.contains("\"rule\":\"pgpass-password\"") && !kept.contains("tr0ub4dor"));
    assert_eq!(serde_json::from_str::<Leaks>(&kept).unwrap(), leaks);
    assert!(serde_json::from_str::<Leaks>(&kept.replace("pgpass-password", "no-such-rule")).is_err());
    let shown = format!("{leaks:?}");
    assert!(!shown.contains("tr0ub4dor"));
}

#[test]
fn places_are_known_by_their_paths() {
    for (path, name) in [
        ("root/.npmrc", "npmrc"),
        ("etc/shadow", "shadow"),
        ("usr/share/shadow", "plain"),
        ("app/.env.production", "variables"),
        ("root/.docker/config.json", "docker-config"),
        ("app/config.json", "settings"),
        ("app/package-lock.json", "plain"),
        ("srv/x.P12", "key-store"),
        ("usr/bin/ls", "plain"),
        ("home/me/.bash_history", "command"),
    ] {
        assert_eq!(place(&TreePath::new(path).unwrap()).name(), name, "{path}");
    }
}
