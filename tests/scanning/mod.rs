//! Judgement as users meet it: policies of specs and of organisations, databases of advisories, scans.

mod bills;
mod cases;
mod corpus;
mod databases;
mod denied;
mod exploitability;
mod measured;
mod osv;
mod rescan_bills;
mod rescanned;
mod scanned;
mod verified;

use crate::support::program::{Call, World};

/// A project whose image has one file of a context, and a policy.
struct Judged {
    world: World,
}

impl Judged {
    fn new(policy: &str) -> Self {
        let mut world = World::new();
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
        world.write("app/hello", "hello\n");
        let judged = Judged { world };
        judged.policy(policy);
        judged
    }

    /// Writes the spec anew.
    fn policy(&self, policy: &str) {
        let spec = format!(
            "kiln 1\nsource \"app\" {{ context \"app\" }}\nimage \"registry.example.com/acme/hello\" {{\n    \
             copy \".\" from=\"app\" to=\"/srv\"\n    entrypoint \"/srv/hello\"\n}}\n{policy}\n"
        );
        self.world.write("kiln.kdl", spec);
    }

    fn build(&self, arguments: &[&str]) -> Call {
        let all = ["build", "--progress", "quiet", "--as-of", "2026-11-30"];
        self.world.kiln(all.into_iter().chain(arguments.iter().copied()))
    }

    fn scan(&self, image: &str, arguments: &[&str]) -> Call {
        let all = ["scan", image, "--progress", "quiet", "--as-of", "2026-11-30"];
        self.world.kiln(all.into_iter().chain(arguments.iter().copied()))
    }

    /// Makes a database of one feed in OSV's form.
    fn database(&self, advisories: &[serde_json::Value]) {
        self.world.write("osv.json", serde_json::Value::from(advisories.to_vec()).to_string());
        self.world.kiln(["db", "update", "--from", "osv.json"]).run().done();
    }
}

/// An advisory about all versions of a package, as they are in tests, that became known on a day.
fn advisory_of(id: &str, ecosystem: &str, package: &str, day: &str) -> serde_json::Value {
    let mut advisory = advisory(id, package);
    advisory["modified"] = format!("{day}T00:00:00Z").into();
    advisory["affected"][0]["package"]["ecosystem"] = ecosystem.into();
    advisory["affected"][0]["ranges"][0] =
        serde_json::json!({ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "99" }] });
    advisory
}

/// An advisory about a crate that is fixed in 1.2.3.
fn advisory(id: &str, name: &str) -> serde_json::Value {
    serde_json::json!({
        "schema_version": "1.7.0",
        "id": id,
        "modified": "2026-11-20T00:00:00Z",
        "published": "2026-11-01T00:00:00Z",
        "summary": "it does what it should not",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [{
            "package": { "ecosystem": "npm", "name": name },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "1.2.3" }] }],
        }],
    })
}

/// The manifest of an npm package.
fn npm(name: &str, version: &str) -> String {
    serde_json::json!({ "name": name, "version": version }).to_string()
}

/// A private key of an old form, made here: its bytes are no key of anybody's.
fn private_key() -> String {
    let body: Vec<u8> = (0u32..600).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    // A sequence of the length that follows, which begins with the version 0.
    let der = [&[0x30, 0x82, 0x02, 0x5b, 0x02, 0x01, 0x00, 0x02, 0x82, 0x02, 0x54][..], &body[..596]].concat();
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let (begin, end) = (["-----BEGIN RSA", "PRIVATE KEY-----"], ["-----END RSA", "PRIVATE KEY-----"]);
    format!("{}\n{}\n{}\n", begin.join(" "), lines.join("\n"), end.join(" "))
}
