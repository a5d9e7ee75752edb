//! Debian's own packages with their own scripts: twice the same, whoever builds.

use crate::support::files;
use crate::support::program::World;
use std::fs;

/// Services and a runtime whose scripts make accounts, keys, databases, caches and bytecode.
const SPEC: &str = r#"kiln 1

apt "debian" { suite "trixie" }

image "services" {
    packages "debian" scripts="run" {
        add "postgresql" "openjdk-21-jre-headless" "nginx" "default-mta" "openssh-server" "python3"
    }
    run "id postgres && id sshd && id Debian-exim && java -version && nginx -t && test -z \"$(dpkg --audit)\""
    run "! ls /etc/machine-id /var/log/dpkg.log /etc/ssh/ssh_host_rsa_key /etc/ssl/private/ssl-cert-snakeoil.key"
    run "! grep -v ':3652:' /etc/shadow && rm /run/nginx.pid /var/log/nginx/error.log"
}
"#;

/// A user of this machine with subordinate ids.
fn user() -> u32 {
    let ranges = fs::read_to_string("/etc/subuid").unwrap_or_default();
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let named = |name: &str| {
        let row = accounts.lines().find(|row| row.split(':').next() == Some(name))?;
        row.split(':').nth(2)?.parse::<u32>().ok()
    };
    let first = ranges.lines().find_map(|line| named(line.split(':').next()?)).filter(|uid| *uid != 0);
    first.expect("an ordinary user with a range in /etc/subuid and /etc/subgid")
}

fn build(world: &World) -> Vec<String> {
    let folder = world.project().join("layout");
    let output = format!("oci:{}", folder.display());
    world.kiln(["build", "--locked", "--progress", "quiet", "-o", &output]).run().done();
    files::contents(&folder)
}

#[test]
#[ignore = "needs a Debian mirror, and root to become an ordinary user with subordinate ids"]
fn root_and_an_ordinary_user_install_the_same() {
    let mut root = World::new().with_network();
    let mut user = World::of_user(user()).with_network();
    root.kiln(["key", "generate", "--output", "test"]).env("KILN_KEY_PASSWORD", "of a test").run().done();
    let key = root.read("test.key");
    root.write("kiln.kdl", SPEC);
    root.kiln(["lock"]).run().done();
    let lock = root.read("kiln.lock");
    for world in [&mut root, &mut user] {
        world.write("kiln.kdl", SPEC);
        world.write("kiln.lock", &lock);
        let place = world.write("../config/test.key", &key);
        world.set("KILN_KEY", place.to_str().unwrap()).set("KILN_KEY_PASSWORD", "of a test");
    }
    assert_eq!(build(&root), build(&user));
}
