//! Credentials and certificates, as the program finds and uses them; and that nobody sees them who should not.

use super::Releasing;
use crate::support::files::holds;
use crate::support::program::{Outcome, World};
use crate::support::registry::{Auth, Fault, Manner, Options, Registry, Seen, Tls, What};
use base64::prelude::{BASE64_STANDARD, Engine};
use kiln::oci::Digest;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex, Weak};

/// An image in a layout, which is made once for all tests that run at a time.
struct Made {
    /// Lives as long as the layout.
    _releasing: Releasing,
    layout: String,
    key: String,
}

impl Made {
    fn common() -> Arc<Self> {
        static MADE: Mutex<Weak<Made>> = Mutex::new(Weak::new());
        let mut made = MADE.lock().unwrap();
        made.upgrade().unwrap_or_else(|| {
            let releasing = Releasing::new();
            let (layout, key) = (releasing.layout(), releasing.public_key());
            let new = Arc::new(Made { _releasing: releasing, layout, key });
            *made = Arc::downgrade(&new);
            new
        })
    }
}

/// Somebody with an image, and a registry that does not let everybody in.
struct Visit {
    made: Arc<Made>,
    world: World,
    registry: Registry,
    /// What nobody may see, besides what the registry was shown.
    secrets: Vec<String>,
}

impl Visit {
    fn to(options: Options) -> Self {
        let Options { user, password, identity_token, .. } = options.clone();
        let secrets = vec![encoded(&user, &password), password, identity_token];
        Visit { made: Made::common(), world: World::new(), registry: Registry::start(options), secrets }
    }

    /// A registry that wants credentials in this way.
    fn guarded(auth: Auth) -> Self {
        Visit::to(Options { auth, ..Options::default() })
    }

    /// The same for somebody who has said the right credentials in variables.
    fn with_variables(mut self) -> Self {
        let Options { user, password, .. } = Options::default();
        let host = self.registry.host();
        for (name, value) in
            [("KILN_REGISTRY", host), ("KILN_REGISTRY_USER", user), ("KILN_REGISTRY_PASSWORD", password)]
        {
            self.world.set(name, value);
        }
        self
    }

    /// Writes a file of the user.
    fn file(&self, path: &str, content: impl ToString) -> String {
        let path = self.world.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content.to_string()).unwrap();
        path.display().to_string()
    }

    /// Writes what `docker login` would.
    fn docker(&self, config: serde_json::Value) {
        self.file("home/.docker/config.json", config);
    }

    /// Puts a helper on PATH that notes what it is asked, and gives this.
    fn helper(&mut self, name: &str, user: &str, secret: &str) {
        let answer = serde_json::json!({ "ServerURL": self.registry.host(), "Username": user, "Secret": secret });
        let script = format!("#!/bin/sh\nprintf '%s %s\\n' \"$1\" \"$(cat)\" >> \"$HOME/asked\"\necho '{answer}'\n");
        let path = self.file(&format!("bin/docker-credential-{name}"), script);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let bin = self.world.path("bin").display().to_string();
        self.world.set("PATH", format!("{bin}:/usr/bin:/bin"));
    }

    /// What helpers were asked.
    fn asked(&self) -> String {
        fs::read_to_string(self.world.path("home/asked")).unwrap_or_default()
    }

    /// Puts certificates for the registry where they are looked for.
    fn certificates(&mut self, files: &[(&str, String)]) {
        for (name, content) in files {
            self.file(&format!("certs/{}/{name}", self.registry.host()), content);
        }
        let folder = self.world.path("certs").display().to_string();
        self.world.set("KILN_REGISTRY_CERTS", folder);
    }

    fn name(&self, repository: &str) -> String {
        format!("{}/{repository}:1.0", self.registry.host())
    }

    /// Runs the program, and looks for secrets in all that is left of it.
    fn kiln(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.world.kiln(arguments.iter().copied().chain(["--progress", "quiet"])).run();
        let log = self.registry.log();
        let shown = log.iter().filter_map(|seen| seen.headers.get("authorization")?.split_once(' '));
        let shown: BTreeSet<&str> = shown.map(|(_, secret)| secret).collect();
        for secret in self.secrets.iter().map(String::as_str).chain(shown) {
            let said = format!("{}\n{}", outcome.stdout, outcome.stderr);
            assert!(!said.contains(secret), "{secret} is said: {said}");
            for folder in ["store", "cache", "data", "project", "tmp"] {
                assert!(!holds(&self.world.path(folder), secret.as_bytes()), "{secret} is in a file below {folder}");
            }
        }
        outcome
    }

    fn push(&self, repository: &str) -> Outcome {
        self.kiln(&["push", &self.made.layout, &self.name(repository), "--key", &self.made.key])
    }

    fn verify(&self, repository: &str) -> Outcome {
        self.kiln(&["verify", &self.name(repository), "--key", &self.made.key])
    }

    fn tag(&self, repository: &str) -> Option<Digest> {
        self.registry.tag(repository, "1.0")
    }

    /// Pushes, and verifies from a machine that has the same credentials and nothing else.
    #[track_caller]
    fn is_let_in(&self) {
        self.push("acme/hello").done();
        assert!(self.tag("acme/hello").is_some());
        fs::remove_dir_all(self.world.path("store")).unwrap();
        self.verify("acme/hello").done();
    }

    /// Does not push; gives what is said about that.
    #[track_caller]
    fn is_refused(&self) -> String {
        let said = self.push("acme/hello").code(7).stderr;
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.contains(&self.registry.host()), "{said}");
        assert_eq!(self.tag("acme/hello"), None);
        said
    }
}

/// User and password in the form of a header, and of a file of credentials.
fn encoded(user: &str, password: &str) -> String {
    BASE64_STANDARD.encode(format!("{user}:{password}"))
}

/// The entry of a user in a file of credentials.
fn entry(password: &str) -> serde_json::Value {
    serde_json::json!({ "auth": encoded(&Options::default().user, password) })
}

/// The scopes that a request for a token names.
fn scopes(seen: &Seen) -> BTreeSet<String> {
    let query = seen.target.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    let scopes = pairs.filter(|(name, _)| name == "scope").map(|(_, scope)| scope);
    scopes.flat_map(|scope| scope.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_variables_open_a_registry_of_either_kind() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let visit = Visit::guarded(auth).with_variables();
        visit.is_let_in();
        assert_eq!(visit.registry.seen("GET", What::Token).is_empty(), auth == Auth::Basic);
    }
}

#[test]
fn variables_for_another_registry_are_shown_to_nobody() {
    let mut visit = Visit::guarded(Auth::Basic).with_variables();
    visit.world.set("KILN_REGISTRY", "registry.test");
    let said = visit.is_refused();
    assert!(said.contains("there are no credentials for"), "{said}");
    assert!(visit.registry.log().iter().all(|seen| !seen.headers.contains_key("authorization")));
}

#[test]
fn a_token_in_a_variable_is_exchanged() {
    let mut visit = Visit::guarded(Auth::Bearer);
    visit.world.set("KILN_REGISTRY", visit.registry.host());
    visit.world.set("KILN_REGISTRY_TOKEN", Options::default().identity_token);
    visit.is_let_in();
    assert!(!visit.registry.seen("POST", What::Token).is_empty());
}

#[test]
fn a_release_says_nothing_secret_in_its_report_and_for_ci() {
    let mut releasing = Releasing::to(Registry::start(Options { auth: Auth::Bearer, ..Options::default() }));
    let Options { user, password, .. } = Options::default();
    let refused = releasing.release("1.0", &[]).run().code(7);
    assert!(refused.stderr.contains("there are no credentials for"), "{}", refused.stderr);
    let (host, encoded) = (releasing.registry.host(), encoded(&user, &password));
    for (name, value) in
        [("KILN_REGISTRY", host), ("KILN_REGISTRY_USER", user), ("KILN_REGISTRY_PASSWORD", password.clone())]
    {
        releasing.site.world.set(name, value);
    }
    let files = ["--report", "report.json", "--metadata-file", "metadata.json", "--dotenv", "kiln.env"];
    let outcome = releasing.release("1.0", &files).run().done();
    assert!(releasing.tag("1.0").is_some());
    let world = &releasing.site.world;
    assert!(!world.read("report.json").is_empty());
    // Tokens are numbered here, and so short that they could stand anywhere: not with what comes before them.
    for secret in [password, encoded, "Bearer ".into(), "Basic ".into()] {
        assert!(!outcome.stdout.contains(&secret) && !outcome.stderr.contains(&secret), "{secret}: {outcome:?}");
        for folder in ["store", "cache", "data", "project"] {
            assert!(!holds(&world.path(folder), secret.as_bytes()), "{secret} is in a file below {folder}");
        }
    }
    let image = releasing.registry.content("acme/hello", &releasing.tag("1.0").unwrap()).unwrap();
    assert!(!String::from_utf8(image).unwrap().contains("potter"));
}

#[test]
fn a_mount_is_asked_for_with_one_token_for_both_repositories() {
    let visit = Visit::guarded(Auth::Bearer).with_variables();
    visit.push("acme/first").done();
    visit.registry.clear_log();
    visit.push("acme/second").done();
    assert_eq!(visit.tag("acme/second"), visit.tag("acme/first"));
    assert!(visit.registry.seen("PUT", What::Upload).is_empty(), "blobs were sent");
    let asked: Vec<_> = visit.registry.seen("GET", What::Token).iter().map(scopes).collect();
    let both = |scopes: &BTreeSet<String>| {
        ["repository:acme/first:pull", "repository:acme/second:pull,push"].iter().all(|scope| scopes.contains(*scope))
    };
    assert!(asked.iter().any(both), "{asked:?}");
    // And nobody asks to write to the first.
    assert!(!asked.iter().flatten().any(|scope| scope.contains("first") && scope.contains("push")), "{asked:?}");
}

#[test]
fn what_docker_login_wrote_is_used() {
    let Options { user, password, identity_token, .. } = Options::default();
    for (auth, entry) in [
        (Auth::Basic, entry(&password)),
        (Auth::Bearer, serde_json::json!({ "username": user, "password": password })),
        (Auth::Bearer, serde_json::json!({ "auth": encoded("ignored", ""), "identitytoken": identity_token })),
    ] {
        let visit = Visit::guarded(auth);
        visit.docker(serde_json::json!({ "auths": { visit.registry.host(): entry } }));
        visit.is_let_in();
    }
}

#[test]
fn helpers_are_asked_for_one_registry_or_for_all() {
    let Options { user, password, identity_token, .. } = Options::default();
    for (auth, user, secret, all) in
        [(Auth::Basic, user.as_str(), &password, false), (Auth::Bearer, "<token>", &identity_token, true)]
    {
        let mut visit = Visit::guarded(auth);
        visit.helper("kiln-test", user, secret);
        let host = visit.registry.host();
        visit.docker(match all {
            true => serde_json::json!({ "credsStore": "kiln-test" }),
            false => serde_json::json!({ "credHelpers": { &host: "kiln-test" }, "credsStore": "not-there" }),
        });
        visit.is_let_in();
        // Once for the push, and once for the verification.
        assert_eq!(visit.asked(), format!("get {host}\n").repeat(2));
    }
}

#[test]
fn a_helper_that_is_not_there_is_named() {
    let visit = Visit::guarded(Auth::Basic);
    visit.docker(serde_json::json!({ "credsStore": "not-there" }));
    let said = visit.push("acme/hello").code(1).stderr;
    assert!(said.contains("docker-credential-not-there") && said.contains("PATH"), "{said}");
    assert_eq!(visit.tag("acme/hello"), None);
}

#[test]
fn the_file_that_the_variable_names_comes_before_that_of_docker() {
    let mut visit = Visit::guarded(Auth::Basic);
    let host = visit.registry.host();
    visit.docker(serde_json::json!({ "auths": { &host: entry("clay-and-water") } }));
    let right = serde_json::json!({ "auths": { &host: entry(&Options::default().password) } });
    let path = visit.file("home/auth.json", right);
    visit.world.set("REGISTRY_AUTH_FILE", path);
    visit.is_let_in();
}

#[test]
fn a_wrong_password_ends_with_where_it_came_from_and_what_to_do() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let mut visit = Visit::guarded(auth);
        visit.secrets.push("clay-and-water".into());
        visit.docker(serde_json::json!({ "auths": { visit.registry.host(): entry("clay-and-water") } }));
        let said = visit.is_refused();
        let login = format!("docker login {}", visit.registry.host());
        for word in ["401", "config.json", "are wrong or do not allow this", &login, "KILN_REGISTRY_PASSWORD"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(visit.registry.blobs("acme/hello").is_empty());
    }
}

#[test]
fn everybody_verifies_what_everybody_may_read() {
    let mut visit =
        Visit::to(Options { auth: Auth::Bearer, anonymous_pull: true, ..Options::default() }).with_variables();
    visit.push("acme/hello").done();
    visit.registry.clear_log();
    visit.world = World::new();
    visit.verify("acme/hello").done();
    let asked = visit.registry.seen("GET", What::Token);
    assert!(!asked.is_empty() && asked.iter().all(|seen| !seen.headers.contains_key("authorization")));
    let said = visit.push("acme/other").code(7).stderr;
    assert!(said.contains("there are no credentials for") && said.contains("docker login"), "{said}");
    assert_eq!(visit.tag("acme/other"), None);
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_was_put() {
    let mut visit = Visit::to(Options { tls: Tls::Server, auth: Auth::Bearer, ..Options::default() }).with_variables();
    // Another authority opens nothing.
    let other = Registry::start(Options { tls: Tls::Server, ..Options::default() });
    visit.certificates(&[("ca.crt", other.ca())]);
    let said = visit.is_refused();
    assert!(said.contains("certificate"), "{said}");
    assert!(visit.registry.log().is_empty(), "something was asked, in spite of the certificate");
    visit.certificates(&[("ca.crt", visit.registry.ca())]);
    visit.is_let_in();
}

#[test]
fn a_registry_that_wants_a_certificate_is_shown_ones_own() {
    let mut visit = Visit::to(Options { tls: Tls::Mutual, auth: Auth::Basic, ..Options::default() }).with_variables();
    visit.certificates(&[("ca.crt", visit.registry.ca())]);
    visit.is_refused();
    let (certificate, key) = visit.registry.client_certificate();
    visit.secrets.extend(key.lines().nth(1).map(str::to_owned));
    visit.certificates(&[("client.cert", certificate), ("client.key", "not a key".into())]);
    let said = visit.push("acme/hello").code(1).stderr;
    assert!(said.contains("client.cert") || said.contains("client.key"), "{said}");
    visit.certificates(&[("client.key", key)]);
    visit.is_let_in();
}

#[test]
fn tokens_that_end_in_the_middle_are_renewed() {
    let visit = Visit::guarded(Auth::Bearer).with_variables();
    for (method, what) in [("PUT", What::Upload), ("PUT", What::Manifest), ("GET", What::Blob)] {
        visit.registry.misbehave(Fault::on(method, what, Manner::Expire).after(1));
    }
    visit.is_let_in();
    assert!(visit.registry.has_misbehaved());
    // The next command begins without a token: none was kept.
    visit.registry.clear_log();
    visit.verify("acme/hello").done();
    assert!(!visit.registry.seen("GET", What::Token).is_empty());
}

#[test]
fn what_was_copied_is_verified_with_the_registry_gone() {
    let visit = Visit::guarded(Auth::Bearer).with_variables();
    visit.push("acme/hello").done();
    let (name, key) = (visit.name("acme/hello"), visit.made.key.clone());
    visit.kiln(&["copy", &name, "oci:copied", "--key", &key]).done();
    let Visit { world, registry, .. } = visit;
    drop(registry);
    world.kiln(["verify", "copied", "--key", &key]).run().done();
    let said = world.kiln(["verify", &name, "--key", &key]).run().code(7).stderr;
    assert!(said.contains("/v2/acme/hello/manifests/1.0"), "{said}");
}
