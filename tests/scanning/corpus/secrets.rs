//! Secrets of every kind, wherever an image can have them.

use super::{Image, Project, packages};
use crate::support::catalog::zip::zip;
use crate::support::deb::{Archive, Packing};
use crate::support::secrets::files::FILES;
use crate::support::secrets::forms::FORMS;
use crate::support::secrets::{Fill, Random, jwt, label, pem, pkcs8, secret};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::collections::BTreeMap;

/// Files in which a token stands somewhere.
const AROUND: &[(&str, &str)] = &[
    ("main.py", "import os\n\nclient = connect('{}')\n"),
    ("values.yaml", "service:\n  address: corp.net\n  use: {}\n"),
    ("index.js", "!function(){var t=\"{}\";fetch(t)}();\n"),
    (".env", "PORT=80\nSOMETHING={}\n"),
    ("notes.md", "# Notes\n\nUse `{}` for now.\n"),
    ("run.sh", "#!/bin/sh\nexec tool {}\n"),
    ("data.json", "{\"a\": 1,\n \"b\": \"{}\"}\n"),
    ("settings.xml", "<x>\n  <y>{}</y>\n</x>\n"),
    ("access.log", "GET /x?t={}&y=1 200\n"),
];

/// A token that a text may stand beside: dashes are a part of some, and would not be told from what is around.
pub(super) fn token(template: &str, seed: u64) -> String {
    let random = &mut Random::new(seed);
    loop {
        let token = secret(template, random, Fill::Random);
        if !token.ends_with(['-', '_']) {
            return token;
        }
    }
}

/// The line on which the secret of a file stands.
fn line_of(content: &str) -> usize {
    content[..content.find("{}").unwrap()].matches('\n').count() + 1
}

/// Plants a secret in a text, in which `{}` stands for it.
fn plant(image: &mut Image, rule: &str, path: &str, content: &str, secret: &str) {
    image.file(path, content.replace("{}", secret));
    image.expect(format!("secret {rule} /{path}:{}", line_of(content)));
}

fn plant_tokens(image: &mut Image) {
    for (at, (rule, template)) in FORMS.iter().enumerate() {
        let (name, content) = AROUND[at % AROUND.len()];
        plant(image, rule, &format!("srv/tokens/{at}/{name}"), content, &token(template, 1000 + at as u64));
    }
}

/// Files of programs that keep secrets, each below a folder of its own.
fn plant_files(image: &mut Image) {
    for (at, (rule, path, content, template)) in FILES.iter().enumerate() {
        let template = match *rule {
            "htpasswd-hash" => "{a8}${a22}",
            "password-hash" => "{a22}${a43}",
            _ => template,
        };
        plant(image, rule, &format!("srv/homes/{at}/{path}"), content, &token(template, 2000 + at as u64));
    }
    let login = STANDARD.encode(format!("me:{}", token("{a20}", 1)));
    let docker = "{\"auths\": {\n \"registry.corp.net\": {\"auth\": \"{}\"}}}\n";
    plant(image, "docker-credentials", "root/.docker/config.json", docker, &login);
    let history = "ls\ncurl -u me:{} https://corp.net\n";
    plant(image, "command-password", "root/.bash_history", history, &token("{a12}-9x", 2));
}

/// Keys, and tokens that have no mark of their own.
fn plant_keys(image: &mut Image) {
    let random = &mut Random::new(3);
    let der = pkcs8(random);
    for kind in ["", "RSA", "EC", "DSA"] {
        let key = pem(&label(kind), "", &pkcs8(random));
        plant(image, "private-key", &format!("etc/ssl/{kind}.pem"), "Subject: x\n{}\n", key.trim_end());
    }
    let escaped = pem(&label(""), "", &pkcs8(random)).trim_end().replace('\n', "\\n");
    plant(image, "private-key", "srv/keys/main.go", "package main\n\nconst key = \"{}\"\n", &escaped);
    let account = "{\n \"type\": \"service_account\",\n \"private_key\": \"{}\\n\"\n}\n";
    let escaped = pem(&label(""), "", &pkcs8(random)).trim_end().replace('\n', "\\n");
    plant(image, "google-service-account-key", "srv/keys/account.json", account, &escaped);
    let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n";
    plant(image, "private-key-encrypted", "root/.ssh/id_rsa", "{}", &pem(&label("RSA"), headers, &random.bytes(600)));
    let openssh = [&b"openssh-key-v1\0\0\0\0\x04none"[..], &random.bytes(300)].concat();
    plant(image, "private-key", "root/.ssh/id_ed25519", "{}", &pem(&label("OPENSSH"), "", &openssh));
    let packet = [&[0x95, 3, 0x98, 4][..], &random.bytes(900)].concat();
    let block = pem(&format!("PGP {} BLOCK", label("")), "Version: GnuPG v2\n\n", &packet);
    plant(image, "pgp-private-key", "root/backup.asc", "{}", &block);
    let putty = ["PuTTY", "User", "Key", "File", "3"].join("-");
    let body = STANDARD.encode(random.bytes(300));
    let putty =
        format!("{putty}: ssh-ed25519\nEncryption: none\nComment: me\nPrivate-Lines: 5\n{body}\nPrivate-MAC: 00\n");
    plant(image, "putty-private-key", "root/me.ppk.txt", "{}", &putty);
    plant(
        image,
        "private-key",
        "srv/keys/deployment.yaml",
        "data:\n  tls: {}\n",
        &STANDARD.encode(pem(&label(""), "", &der)),
    );
    let bag =
        [&b"\x02\x01\x03\x30\x20\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02"[..], &random.bytes(300), &[0; 8]]
            .concat();
    let store = [&[0x30, 0x82, (bag.len() >> 8) as u8, bag.len() as u8][..], &bag].concat();
    for (rule, path, content) in [("private-key", "etc/server.key", &der), ("key-store", "srv/keys/server.p12", &store)]
    {
        image.file(path, content);
        image.expect(format!("secret {rule} /{path}"));
    }

    let web = jwt(r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"sub":"u-81723","iat":1700000000}"#, random);
    let bot = format!("{}.{}", URL_SAFE_NO_PAD.encode("182736455463728190"), token("{n6}.{n27}", 4));
    let id = token("AK|IAJ{215}", 5);
    let signature = token("{a20}%2B{a20}%2F{a1}%3D", 6);
    let password = token("{a12}", 7) + "9a";
    let json = STANDARD.encode(format!("{{\"o\":\"81723\",\"n\":\"{}\"}}", token("{a60}", 8)));
    for (rule, path, content, secret) in [
        ("json-web-token", "session.js", "// x\nvar t = '{}';\n", web),
        ("discord-bot-token", "bot.js", "login('{}')\n", bot),
        ("aws-access-key-id", "id.py", "# x\nid = '{}'\n", id),
        ("aws-secret-key", "named.py", "aws_secret_access_key = \"{}\"\n", token("{a20}/{a19}", 9)),
        (
            "azure-storage-key",
            "storage.cs",
            "\nvar c = \"AccountName=x;AccountKey={};E=y\";\n",
            token("{b86}", 10) + "==",
        ),
        (
            "azure-shared-access-signature",
            "container.cs",
            "https://x.blob.core.windows.net/c?sv=2023-01-03&se=2030-01-01&sr=c&sig={}\n",
            signature,
        ),
        ("database-url", "db.py", "x = 'postgresql://app:{}@db.corp.net/x'\n", password.clone()),
        ("url-password", "corp.list", "deb https://me:{}@deb.corp.net/debian stable main\n", password),
        (
            "slack-webhook",
            "told.rb",
            "post 'https://hooks.slack.com/services/T0AB12CD3/B0AB12CD3/{}'\n",
            token("{a24}", 11),
        ),
        (
            "discord-webhook",
            "told.py",
            "post('https://discord.com/api/webhooks/182736455463728190/{}')\n",
            token("{a68}", 12),
        ),
        (
            "teams-webhook",
            "told.ps1.txt",
            "https://corp.webhook.office.com/webhookb2/0a-1b@2c-3d/IncomingWebhook/{}/4e-5f\n",
            token("{h32}", 13),
        ),
        ("grafana-token", "cloud.js", "'{}'\n", format!("gl{}{}", "c_", json.trim_end_matches('='))),
    ] {
        plant(image, rule, &format!("srv/code/{path}"), content, &secret);
    }
}

/// One kind of token in archives of all kinds.
fn plant_archives(image: &mut Image) {
    let text = |seed: u64| format!("one\n two {}\n", token("gh|p_{a30}{crc62}", 3000 + seed)).into_bytes();
    let tar = |seed: u64| {
        let (mut tar, content) = (tar::Builder::new(Vec::new()), text(seed));
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, "app/key.txt", content.as_slice()).unwrap();
        tar.into_inner().unwrap()
    };
    let wheel = zip(&[("pkg/settings.py", &text(6))]);
    let data = Packing::Xz.pack(&tar(8));
    let deb = crate::support::deb::ar(&[("debian-binary", b"2.0\n"), ("data.tar.xz", &data)]);
    let utf16: Vec<u8> = String::from_utf8(text(9)).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (path, content, inside) in [
        ("backup.tar", tar(1), "!app/key.txt"),
        ("backup.tar.gz", Packing::Gzip.pack(&tar(2)), "!app/key.txt"),
        ("backup.tar.xz", Packing::Xz.pack(&tar(3)), "!app/key.txt"),
        ("backup.tar.zst", Packing::Zstd.pack(&tar(4)), "!app/key.txt"),
        ("backup.zip", zip(&[("app/key.txt", &text(5))]), "!app/key.txt"),
        ("outer.zip", zip(&[("dist/pkg.whl", &wheel)]), "!dist/pkg.whl!pkg/settings.py"),
        ("app.log.gz", Packing::Gzip.pack(&text(7)), ""),
        ("tool.deb", deb, "!data.tar.xz!app/key.txt"),
        ("export.txt", [&[0xff, 0xfe][..], &utf16].concat(), ""),
    ] {
        image.file(&format!("srv/archives/{path}"), content);
        image.expect(format!("secret github-token /srv/archives/{path}{inside}:2"));
    }
}

/// What an image says of itself.
fn plant_words(image: &mut Image) {
    let github = |seed: u64| token("gh|p_{a30}{crc62}", 4000 + seed);
    let password = token("{a12}-9x", 4100);
    image.nodes += &format!(
        "    user 65532\n    label \"org.opencontainers.image.source\"=\"https://git.corp.net/tool\" \
         \"org.opencontainers.image.vendor\"=\"Corp\" \"org.opencontainers.image.version\"=\"1.0\"\n    \
         env DB_PASSWORD=\"{}\" GIT_TOKEN=\"{}\"\n    label \"net.corp.token\"=\"{}\"\n    \
         annotation \"net.corp.note\"=\"see {}\"\n    entrypoint \"/srv/tool\" \"--password\" \"{password}\"\n    \
         cmd \"--with\" \"{}\"\n    healthcheck \"/srv/tool\" \"--token\" \"{}\"\n",
        token("{a12}-8y", 4101),
        github(1),
        github(2),
        github(3),
        github(4),
        github(5),
    );
    image.expect("secret generic-password variable DB_PASSWORD");
    image.expect("secret command-password entrypoint");
    for place in ["variable GIT_TOKEN", "label net.corp.token", "annotation net.corp.note", "cmd", "healthcheck"] {
        image.expect(format!("secret github-token {place}"));
    }
}

/// An image with all of them.
pub(super) fn planted() -> Image {
    let mut image = Image::default();
    plant_tokens(&mut image);
    plant_files(&mut image);
    plant_keys(&mut image);
    plant_archives(&mut image);
    plant_words(&mut image);
    image
}

#[test]
fn secrets_are_found() {
    Project::new(&Archive::new("trixie"), &packages::advisories()).judge(&BTreeMap::from([("secrets", planted())]));
}
