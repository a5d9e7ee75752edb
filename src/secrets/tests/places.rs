//! Files whose kind tells what in them is a secret, and settings that are named like one.

use super::{Leaks, Place, none, one};
use crate::secrets::fixtures::{Fill, Random, secret};
use crate::secrets::{place, search_text};
use crate::tree::TreePath;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A rule, the path of a file, its content with a place for the secret, and what the secret looks like.
const FILES: &[(&str, &str, &str, &str)] = &[
    ("npm-credentials", "root/.npmrc", "registry=https://npm.corp.net\n//npm.corp.net/:_authToken={}\n", "{a36}"),
    ("npm-credentials", "root/.npmrc", "//npm.corp.net/:_password=\"{}\"\n", "{b20}"),
    ("npm-credentials", "root/.yarnrc.yml", "npmScopes:\n  x:\n    npmAuthToken: \"{}\"\n", "{a36}"),
    (
        "pypi-credentials",
        "root/.pypirc",
        "[corp]\nrepository: https://pypi.corp.net\nusername: me\npassword: {}\n",
        "{a12}",
    ),
    ("netrc-password", "root/.netrc", "machine git.corp.net\n  login me\n  password {}\n", "{a12}"),
    ("netrc-password", "etc/apt/auth.conf.d/corp.conf", "machine deb.corp.net login me password {}\n", "{a12}"),
    ("git-credentials", "root/.git-credentials", "https://me:{}@git.corp.net\n", "{a20}"),
    ("kubeconfig-credentials", "root/.kube/config", "users:\n- name: me\n  user:\n    token: {}\n", "{a40}"),
    ("kubeconfig-credentials", "root/.kube/config", "{\"users\":[{\"user\":{\"password\":\"{}\"}}]}", "{a12}"),
    ("aws-secret-key", "root/.aws/credentials", "[default]\naws_session_token = {}\n", "{a100}"),
    ("boto-credentials", "root/.boto", "[Credentials]\ngs_oauth2_refresh_token = {}\n", "{a44}"),
    (
        "google-user-credentials",
        "root/.config/gcloud/application_default_credentials.json",
        "{\"client_id\": \"x.apps.googleusercontent.com\", \"refresh_token\": \"{}\", \"type\": \"authorized_user\"}",
        "{a50}",
    ),
    (
        "terraform-state-secret",
        "srv/terraform.tfstate",
        "{\n \"attributes\": {\n  \"password\": \"{}\"\n }\n}\n",
        "{a16}",
    ),
    ("pgpass-password", "root/.pgpass", "# a comment: a:b:c:d\ndb.corp.net:5432:app:me:{}\n", "{a12}"),
    ("wireguard-private-key", "etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = {}\n", "{b42}A="),
    ("htpasswd-hash", "etc/nginx/.htpasswd", "me:$apr1${}\n", ""),
    ("password-hash", "etc/shadow", "root:*:19000:0:99999:7:::\nme:$y$j9T${}:19000:0:99999:7:::\n", ""),
    ("datadog-key", "app/.env", "DD_API_KEY={}\n", "{h32}"),
    ("cloudflare-token", "app/.env", "CLOUDFLARE_API_TOKEN='{}'\n", "{a40}"),
    ("fastly-token", "app/.env", "export FASTLY_API_TOKEN={}\n", "{a32}"),
    ("generic-password", "app/.env", "DB_HOST=db\nDB_PASSWORD=\"{}\"\n", "{a10}"),
    ("generic-password", "app/config.yaml", "db:\n  password: {}\n", "{a10}Zz-9"),
    ("generic-password", "app/config.ini", "[db]\r\npassword = {}\r\n", "{a10}Zz-9"),
    ("generic-password", "app/web.config", "<x><dbPassword>{}</dbPassword></x>", "{a10}Zz-9"),
    ("generic-password", "app/config.php.conf", "'password' => '{}',", "{a10}Zz-9"),
    ("generic-secret", "app/config.json", "{\"port\": 80, \"clientSecret\": \"{}\"}", "{a32}"),
    ("generic-secret", "app/application.properties", "service.api-key={}\n", "{a32}"),
];

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
