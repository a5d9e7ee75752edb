//! What only looks wrong: repaired packages, near misses of secrets, and the noise that every image is full of.

use super::configuration::{SOUND_FILES, archive};
use super::packages::{self, Version};
use super::secrets::token;
use super::{Image, Project};
use crate::support::deb::Packing;
use crate::support::secrets::files::FILES;
use crate::support::secrets::forms::FORMS;
use crate::support::secrets::{Random, almost, jwt, label, pem, secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::BTreeMap;

/// Where secrets will stand once, or where they are to be looked for.
const PLACEHOLDERS: &[&str] =
    &["${SECRET}", "<secret>", "changeme", "xxxxxxxxxxxx", "{{ secret }}", "password", "your-secret-here", "%SECRET%"];

/// What introductions show, programs say of secrets, and code does with them.
const TEXTS: &[(&str, &str)] = &[
    (
        "README.md",
        "```\nAWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n```\n",
    ),
    (
        "deploy.yaml",
        "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db-credentials-v2\n      key: password\n",
    ),
    ("action.yml", "with:\n  token: ${{ secrets.GITHUB_TOKEN }}\n  password: ${{ github.event.inputs.password }}\n"),
    (
        "template.json",
        "{\"MasterUserPassword\": {\"Ref\": \"DBPassword\"}, \"Arn\": \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-Ab12Cd\"}\n",
    ),
    (
        "settings.py",
        "SECRET_KEY = os.environ['SECRET_KEY']\nPASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']\n",
    ),
    (
        "settings.ini",
        "password_file = /run/secrets/x1y2z3w4\ntoken_url = https://login.corp.net/oauth2/v2.0/token\nmax_tokens = 4096\n",
    ),
    (
        "app.properties",
        "spring.datasource.password=${DB_PASSWORD}\nserver.ssl.key-store-password=changeit\njwt.token-validity=3600s\n",
    ),
    (
        "values.toml",
        "[auth]\ntoken_type = \"Bearer\"\nsecret_name = \"orders/db-2\"\npassword_policy = \"min12-Upper1\"\n",
    ),
    (
        "compose.yml",
        "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/db2\n      POSTGRES_PASSWORD: example\n",
    ),
    ("nginx.conf", "auth_basic_user_file /etc/nginx/.htpasswd;\nssl_certificate_key /etc/ssl/private/server2.key;\n"),
    ("pg_hba.conf", "host all all 10.0.0.0/8 scram-sha-256\nhost replication rep 10.0.0.1/32 md5\n"),
    ("krb5.conf", "[libdefaults]\n default_tgs_enctypes = aes256-cts-hmac-sha1-96\n"),
    (
        "login.html",
        "<input type=\"password\" name=\"password\" placeholder=\"Password1!\" autocomplete=\"current-password\">\n",
    ),
    (
        "messages.xml",
        "<string name=\"password\">Passwort</string><string name=\"invalidToken2\">Token 2 ungültig</string>\n",
    ),
    ("test.log", "=== RUN   TestLogin/2FA\n    --- PASS: TestLogin/2FA (0.07s)\nPASS: gcc.dg/pr12345.c\n"),
    (
        "pages.json",
        "{\"NextContinuationToken\": \"1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=\", \"nextPageToken\": \"CAUQAA9x8y7z6\"}\n",
    ),
    ("oauth.md", "Authorization: Bearer <token>\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"),
    (
        "urls.py",
        "URL = 'https://user:password@host/'\nDB = 'postgresql://postgres:postgres@localhost/test'\nX = f'https://{user}:{password}@corp.net'\n",
    ),
    ("sources.list", "deb [signed-by=/usr/share/keyrings/x1.gpg] https://deb.corp.net/debian trixie main\n"),
    (
        "known.sh",
        "curl -u \"$USER:$PASSWORD\" https://corp.net\ndocker login -p \"$(cat /run/secrets/token1)\"\nmysql -p\"${DB_PASSWORD}\"\n",
    ),
    (
        "sshd_config",
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\nAuthorizedKeysFile .ssh/authorized_keys2\n",
    ),
    ("shadow.txt", "root:*:19000:0:99999:7:::\ndaemon:!:19000:0:99999:7:::\n"),
    ("vault.hcl", "path \"secret/data/orders2\" { capabilities = [\"read\"] }\ntoken_ttl = \"1h30m\"\n"),
    ("schema.sql", "CREATE TABLE users (id uuid, password varchar(255) NOT NULL, api_key char(64));\n"),
    ("index.d.ts", "interface Login { password: string; accessToken?: string; apiKey: string | undefined }\n"),
    (
        "ansible.yml",
        "vars:\n  db_password: \"{{ vault_db_password }}\"\n  api_token: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n",
    ),
];

fn near_misses(image: &mut Image) {
    for (at, (_, template)) in FORMS.iter().enumerate() {
        for fill in almost(template) {
            let text = secret(template, &mut Random::new(5000 + at as u64), fill);
            image.file(&format!("srv/near/{at}-{fill:?}.py"), format!("x = '{text}'\n"));
        }
    }
    for (at, (rule, path, content, _)) in FILES.iter().enumerate() {
        // Of a hash the method stands in the file, and its place is the whole field.
        if rule.ends_with("-hash") {
            continue;
        }
        let placeholder = PLACEHOLDERS[at % PLACEHOLDERS.len()];
        image.file(&format!("srv/homes/{at}/{path}"), content.replace("{}", placeholder));
    }
    for (name, content) in TEXTS {
        image.file(&format!("srv/texts/{name}"), content);
    }
    let random = &mut Random::new(6000);
    for (name, kind) in [("public", "PUBLIC KEY"), ("certificate", "CERTIFICATE"), ("request", "CERTIFICATE REQUEST")] {
        image.file(&format!("etc/ssl/{name}.pem"), pem(kind, "", &random.bytes(900)));
    }
    let key = pem(&label("RSA"), "", &random.bytes(600));
    let lines: Vec<&str> = key.lines().collect();
    image.file("srv/keys/shown.md", format!("{}\nMIIEpAIBAAKCAQEA...\n{}\n", lines[0], lines[lines.len() - 1]));
    let (header, example) =
        (r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#);
    image.file("srv/keys/shown.js", format!("var t = '{}';\n", jwt(header, example, random)));
}

/// What stands in images beside programs.
fn noise(image: &mut Image) {
    let random = &mut Random::new(7000);
    let mut base64 = |bytes: usize| STANDARD.encode(random.bytes(bytes));
    let packages: serde_json::Map<String, serde_json::Value> = (0..200)
        .map(|at| {
            let resolved = format!("https://registry.corp.net/left-{at}/-/left-{at}-1.0.{at}.tgz");
            (format!("node_modules/left-{at}"), json!({ "version": format!("1.0.{at}"), "resolved": resolved, "integrity": format!("sha512-{}", base64(64)) }))
        })
        .collect();
    image.file("srv/app/package-lock.json", json!({ "lockfileVersion": 3, "packages": packages }).to_string());
    let yarn =
        (0..100).map(|at| format!("left-{at}@^1:\n  version \"1.0.{at}\"\n  integrity sha512-{}\n\n", base64(64)));
    image.file("srv/app/yarn.lock", yarn.collect::<String>());
    let certificates = (0..60).map(|at| {
        format!("# Authority {at}\n{}", pem("CERTIFICATE", "", STANDARD.decode(base64(900)).unwrap().as_slice()))
    });
    image.file("etc/ssl/certs/ca-certificates.crt", certificates.collect::<String>());
    let hosts = (0..50).map(|at| {
        format!(
            "|1|{}|{} ssh-rsa {}\ngit{at}.corp.net ssh-ed25519 {}\n",
            base64(20),
            base64(20),
            base64(270),
            base64(32)
        )
    });
    image.file("etc/ssh/ssh_known_hosts", hosts.collect::<String>());
    image.file("root/.ssh/authorized_keys", format!("ssh-rsa {} me@host\n", base64(270)));
    let map = json!({ "version": 3, "sources": ["a.ts"], "mappings": token("{a20000}", 1), "sourcesContent": ["const password = prompt('Password1')"] });
    image.file("srv/app/index.js.map", map.to_string());
    let script =
        format!("!function(e){{var t=\"{}\";e.password=t.token=e.secret(1),e.apiKey||n(t)}}(this);", base64(600));
    image.file("srv/app/index.min.js", script.repeat(50));
    image.file("srv/app/index.css", format!("a{{background:url(data:image/png;base64,{})}}\n", base64(20_000)));
    image.file("srv/app/font.svg", format!("<svg><font-face src=\"data:font/woff2;base64,{}\"/></svg>", base64(9000)));
    image.file(
        "srv/app/Cargo.lock",
        (0..80)
            .map(|at| format!("[[package]]\nname = \"left-{at}\"\nchecksum = \"{}\"\n\n", token("{h64}", at)))
            .collect::<String>(),
    );
    image.file(
        "srv/app/go.sum",
        (0..80).map(|at| format!("corp.net/left{at} v1.0.{at} h1:{}\n", base64(32))).collect::<String>(),
    );
    image.file(
        "srv/app/poetry.lock",
        (0..80)
            .map(|at| format!("    {{file = \"left-{at}.whl\", hash = \"sha256:{}\"}},\n", token("{h64}", 100 + at)))
            .collect::<String>(),
    );
    image.file(
        "srv/app/requirements.txt",
        (0..50).map(|at| format!("left{at}==1.{at} --hash=sha256:{}\n", token("{h64}", 300 + at))).collect::<String>(),
    );
    image.file("srv/app/composer.lock", json!({ "content-hash": token("{h32}", 2), "packages": [{ "dist": { "reference": token("{h40}", 3), "shasum": token("{h40}", 4) } }] }).to_string());
    image.file(
        "srv/app/.git/packed-refs",
        (0..50).map(|at| format!("{} refs/tags/v1.{at}\n", token("{h40}", 400 + at))).collect::<String>(),
    );
    let moduli =
        (0..20).map(|at| format!("2025010100{at:04} 2 6 100 2047 2 {}\n", token("{h512}", 500 + at).to_uppercase()));
    image.file("etc/ssh/moduli", moduli.collect::<String>());
    let ids = (0..200).map(|at| format!("{{\"id\": \"{}\", \"apiKey\": \"{}\"}}\n", uuid(at), uuid(at + 1000)));
    image.file("srv/app/ids.json", ids.collect::<String>());
    let public = [&[0x99, 3, 0x98, 4][..], &Random::new(8).bytes(900)].concat();
    image.file("usr/share/keyrings/archive.gpg", &public);
    image.file("usr/share/keyrings/archive.asc", pem("PGP PUBLIC KEY BLOCK", "\n", &public));
    image.file("usr/share/terminfo/x/xterm", [&b"\x1a\x01\x30\0"[..], &Random::new(9).bytes(3000)].concat());
    image.file("usr/lib/locale/locale-archive", Random::new(10).bytes(500_000));
    image.file(
        "usr/lib/python3/__pycache__/settings.cpython-313.pyc",
        [&b"\xf3\r\r\n\0\0\0\0"[..], &Random::new(11).bytes(9000), b"\xdaPASSWORD\xda\x0cSECRET_TOKEN"].concat(),
    );
    let changes =
        "  * Fix password=secret123 in the tests (closes: #1012345), CVE-2024-12345\n  * New token format: gh_x1y2z3\n"
            .repeat(200);
    image.file("usr/share/doc/tool/changelog.gz", Packing::Gzip.pack(changes.as_bytes()));
    let manual =
        ".B \\-\\-password\\fR=\\fIPASSWORD1\\fR\nThe password. Example: tool \\-\\-password=Example\\-1234 .\n"
            .repeat(100);
    image.file("usr/share/man/man1/tool.1.gz", Packing::Gzip.pack(manual.as_bytes()));
    image.file("usr/share/perl5/Tool/Auth.pm", "my $password = $self->{password} // $ENV{'TOOL_PASSWORD1'};\nmy %args = (password => $password, token => undef);\n");
    image.file(
        "var/lib/dpkg/info/tool.md5sums.txt",
        (0..100).map(|at| format!("{}  usr/bin/tool{at}\n", token("{h32}", 600 + at))).collect::<String>(),
    );
    image.file("usr/bin/tool.bin", [&b"\x7fELF\0"[..], &Random::new(12).bytes(300_000)].concat());
}

fn uuid(seed: u64) -> String {
    token("{h8}-{h4}-4{h3}-a{h3}-{h12}", 9000 + seed)
}

/// The images of the corpus.
fn images() -> BTreeMap<&'static str, Image> {
    let mut image = Image::well_made();
    near_misses(&mut image);
    noise(&mut image);
    image.nodes += "    env GPG_KEY=\"A035C8C19219BA821ECEA86B64E628F8D684696D\" DB_PASSWORD_FILE=\"/run/secrets/db\"\n    packages \"debian\" { add \"sound\" }\n";
    BTreeMap::from([("clean", image)])
}

/// How many things of it look wrong.
pub(super) fn size() -> usize {
    let files = images().values().map(|image| image.files.len()).sum::<usize>();
    files + SOUND_FILES.len() + packages::count()
}

#[test]
fn nothing_is_told_of_what_only_looks_wrong() {
    Project::new(&archive(), &packages::advisories()).judge(&images());
}

#[test]
fn nothing_is_told_of_packages_that_are_repaired() {
    Project::new(&packages::archive(Version::Fixed), &packages::advisories()).judge(&packages::images(Version::Fixed));
}
