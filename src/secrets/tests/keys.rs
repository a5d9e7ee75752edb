//! Private keys, tokens with a structure, keys that are known by what stands beside them, and addresses.

use super::{found, none, one};
use crate::secrets::fixtures::{Fill, Random, jwt, label, pem, pkcs8, secret};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

#[test]
fn private_keys_are_found_in_all_their_clothes() {
    let random = &mut Random::new(1);
    let der = pkcs8(random);
    for kind in ["", "RSA", "EC", "DSA", "ANY"] {
        let key = pem(&label(kind), "", &der);
        let leak = one("etc/ssl/server.pem", format!("Subject: x\n{key}"), "private-key", key.trim_end());
        assert_eq!((leak.line, leak.column, leak.shown.as_str()), (Some(2), Some(1), "…"));
        one("etc/ssl/server.pem", key.replace('\n', "\r\n"), "private-key", key.trim_end().replace('\n', "\r\n"));
        let escaped = key.trim_end().replace('\n', "\\n");
        one("app/main.py", format!("KEY = \"{escaped}\\n\""), "private-key", &escaped);
        let account = format!("{{\"type\": \"service_account\", \"private_key\": \"{escaped}\\n\"}}");
        one("app/account.json", account, "google-service-account-key", &escaped);
        let pieces = key.trim_end().replace('\n', "\\n\"\n    \"");
        one("app/main.c", format!("const char *key =\n    \"{pieces}\\n\";"), "private-key", &pieces);
        let indented = key.trim_end().replace('\n', "\n    ");
        one("app/values.yaml", format!("key: |\n    {indented}\n"), "private-key", &indented);
        let base64 = STANDARD.encode(&key);
        one("app/secret.yaml", format!("data: {base64}\n"), "private-key", &base64);
    }
}

#[test]
fn keys_under_a_passphrase_are_told_as_such() {
    let random = &mut Random::new(2);
    let rule = "private-key-encrypted";
    let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n";
    // Four dashes less than five: `4,ENCRYPTED` holds none.
    let key = pem(&label("RSA"), headers, &random.bytes(600));
    one("root/key", &key, rule, key.trim_end());
    let der = [&[0x30, 0x82, 2, 0x4b][..], &random.bytes(587)].concat();
    let key = pem(&label("ENCRYPTED"), "", &der);
    one("root/key", &key, rule, key.trim_end());
    for (cipher, rule) in [("none", "private-key"), ("aes256-ctr", "private-key-encrypted")] {
        let length = (cipher.len() as u32).to_be_bytes();
        let body = [b"openssh-key-v1\0", &length[..], cipher.as_bytes(), &random.bytes(300)].concat();
        let key = pem(&label("OPENSSH"), "", &body);
        one("root/.ssh/id_ed25519", &key, rule, key.trim_end());
    }
}

#[test]
fn pgp_and_putty_keys_are_found() {
    let random = &mut Random::new(3);
    let packet = [&[0x95, 3, 0x98, 4][..], &random.bytes(900)].concat();
    let block = format!("PGP {} BLOCK", label(""));
    let key = pem(&block, "Version: GnuPG v2\n\n", &packet);
    let with_sum = key.replace("\n-----END", "\n=abcd\n-----END");
    one("root/key.asc", &with_sum, "pgp-private-key", with_sum.trim_end());
    // A public key in the same clothes is none.
    let public = [&[0x99, 3, 0x98, 4][..], &random.bytes(900)].concat();
    none("root/key.asc", pem(&block, "\n", &public));
    one("root/key.gpg", &packet, "pgp-private-key", &packet);
    none("root/key.gpg", &public);

    for (cipher, rule) in [("none", "putty-private-key"), ("aes256-cbc", "private-key-encrypted")] {
        let body = STANDARD.encode(random.bytes(300));
        let name = ["PuTTY", "User", "Key", "File", "3"].join("-");
        let key = format!(
            "{name}: ssh-ed25519\nEncryption: {cipher}\nComment: me\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 5\n{body}\n"
        );
        let found = found("root/me.txt", format!("{key}Private-MAC: 00\n"));
        assert_eq!(found.iter().map(|leak| leak.rule.id).collect::<Vec<_>>(), [rule]);
    }
    // Programs that read and write such keys.
    let name = ["PuTTY", "User", "Key", "File", "2"].join("-");
    let writes = format!(
        "ppk = '{name}: ' + a + '\\r\\n';\nppk += 'Encryption: ' + e + '\\r\\n';\nppk += 'Private-Lines: ' + n + '\\r\\n';\n"
    );
    let reads = format!(
        "/^{name}: (ssh-rsa)\\r?\\nEncryption: (none)\\r?\\nPrivate-Lines: \\d+\\r?\\n([\\s\\S]+?)\\r?\\nPrivate-MAC: (.+)/"
    );
    for code in [writes, reads] {
        none("srv/lib/ssh.js", code);
    }
}

#[test]
fn pictures_of_keys_are_none() {
    let random = &mut Random::new(4);
    let der = pkcs8(random);
    let [public, certificate, request] =
        ["PUBLIC KEY", "CERTIFICATE", "CERTIFICATE REQUEST"].map(|label| pem(label, "", &der));
    let key = pem(&label("RSA"), "", &der);
    let short = key
        .lines()
        .take(1)
        .chain(["MIIEpAIBAAKCAQEA...", "..."])
        .chain(key.lines().last())
        .collect::<Vec<_>>()
        .join("\n");
    // The first line alone, as a real key begins.
    let first =
        format!("{}{}\\n.{}", key.lines().next().unwrap(), key.lines().nth(1).unwrap(), key.lines().last().unwrap());
    let begin_alone = key.lines().next().unwrap().repeat(3);
    let dull = pem(&label("RSA"), "", &[0; 600]);
    let other = pem(&label("RSA"), "", &random.bytes(600));
    for text in [public, certificate, request, short, first, begin_alone, dull, other] {
        none("usr/share/doc/x", &text);
        none("usr/share/doc/x", STANDARD.encode(&text));
    }
}

#[test]
fn keys_that_are_no_text_are_found() {
    let random = &mut Random::new(5);
    let key = pkcs8(random);
    one("etc/server.key", &key, "private-key", &key);
    none("etc/server.key", &key[..key.len() - 1]);
    let sequence = |inner: &[u8]| [&[0x30, 0x82, (inner.len() >> 8) as u8, inner.len() as u8][..], inner].concat();
    let bag = |last: u8| {
        [
            &b"\x02\x01\x03\x30\x20\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01"[..],
            &[last],
            &Random::new(6).bytes(300),
        ]
        .concat()
    };
    for path in ["app/server.p12", "app/server.pfx", "app/server.keystore"] {
        let store = sequence(&bag(2));
        one(path, &store, "key-store", &store);
        none(path, sequence(&bag(3)));
    }
    let entry = |tag: u8| {
        let certificate = [&[0, 5][..], b"X.509", &300u32.to_be_bytes(), &Random::new(7).bytes(300)].concat();
        let body =
            if tag == 2 { certificate } else { [&300u32.to_be_bytes()[..], &Random::new(8).bytes(300)].concat() };
        [&[0, 0, 0, tag, 0, 2][..], b"ca", &[0; 8], &body].concat()
    };
    let store = |entries: &[u8]| {
        let count = (entries.len() as u32).to_be_bytes();
        [
            &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2][..],
            &count,
            &entries.iter().flat_map(|tag| entry(*tag)).collect::<Vec<_>>(),
        ]
        .concat()
    };
    one("app/a.jks", store(&[2, 2, 1]), "key-store", store(&[2, 2, 1]));
    none("app/cacerts.jks", store(&[2, 2, 2]));
}

#[test]
fn tokens_that_say_whose_they_are_are_decoded() {
    let random = &mut Random::new(9);
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let payload = r#"{"sub":"u-81723","iat":1700000000}"#;
    let token = jwt(header, payload, random);
    let leak = one("app/x.js", format!("var t = '{token}';"), "json-web-token", &token);
    assert_eq!(leak.shown, "eyJ…");
    for (header, payload) in [
        (r#"{"alg":"none","typ":"JWT"}"#, payload),
        (r#"{"typ":"JWT-and-no-more"}"#, payload),
        (header, r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#),
        (header, r#"{"some":"payload"}"#),
        (header, r#"["no","object"]"#),
        (header, r#"{"iss":"https://id.example.com","sub":"81723"}"#),
    ] {
        none("app/x.js", format!("var t = '{}';", jwt(header, payload, random)));
    }
    none("app/x.js", token.rsplit_once('.').unwrap().0);
    none("app/x.js", &token[..token.len() - 1]);

    let id = URL_SAFE_NO_PAD.encode("182736455463728190");
    let bot = secret("{n6}.{n27}", random, Fill::Random);
    one("app/bot.js", format!("login('{id}.{bot}')"), "discord-bot-token", format!("{id}.{bot}"));
    let no_id = URL_SAFE_NO_PAD.encode("18273645546372819x");
    none("app/bot.js", format!("login('{no_id}.{bot}')"));
    none("app/bot.js", format!("login('{id}.{}')", &bot[..bot.len() - 1]));

    let json = STANDARD.encode(format!("{{\"o\":\"81723\",\"n\":\"{}\"}}", secret("{a60}", random, Fill::Random)));
    let json = json.trim_end_matches('=');
    let cloud = format!("gl{}{json}", "c_");
    one("app/x.js", format!("'{cloud}'"), "grafana-token", &cloud);
    let organisation = format!("sntr{}{json}_{}", "ys_", secret("{b43}", random, Fill::Random));
    one("app/x.js", format!("'{organisation}'"), "sentry-token", &organisation);
    none("app/x.js", format!("'gl{}{}'", "c_", secret("{a80}", random, Fill::Random)));
}

#[test]
fn keys_of_clouds_are_known_by_what_stands_beside_them() {
    let random = &mut Random::new(10);
    let id = secret("AK|IAJ{215}", random, Fill::Random);
    let key = loop {
        let key = secret("{b40}", random, Fill::Random);
        if key.matches('/').count() < 4 {
            break key;
        }
    };
    for text in [format!("id = '{id}'\nkey = '{key}'\n"), format!("client(\"{key}\", \"{id}\")")] {
        let leaks = found("app/main.py", &text);
        let mut rules: Vec<&str> = leaks.iter().map(|leak| leak.rule.id).collect();
        rules.sort_unstable();
        assert_eq!(rules, ["aws-access-key-id", "aws-secret-key"], "{text}");
    }
    for name in ["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"] {
        one("app/main.py", format!("{name} = \"{key}\""), "aws-secret-key", &key);
        none("app/main.py", format!("{name} = \"{}\"", &key[1..]));
        none("app/main.py", format!("{name} = \"{}\"", "x".repeat(40)));
    }
    // What every introduction shows.
    none("app/main.py", format!("id = '{}'", ["AKIAIOSFODNN7", "EXAMPLE"].concat()));
    // The number of an account has twelve digits.
    none("app/main.py", format!("id = 'AK{}P777777Q{}'", "IA", secret("{28}", random, Fill::Random)));

    let account = secret("{b86}", random, Fill::Random) + "==";
    let text = |key: &str| {
        format!("DefaultEndpointsProtocol=https;AccountName=x;AccountKey={key};EndpointSuffix=core.windows.net")
    };
    one("app/main.cs", text(&account), "azure-storage-key", &account);
    let short = secret("{b43}", random, Fill::Random) + "=";
    one(
        "app/main.cs",
        format!("Endpoint=sb://x;SharedAccessKeyName=r;SharedAccessKey={short}"),
        "azure-storage-key",
        &short,
    );
    none("app/main.cs", text(&account[1..]));
    none("app/main.cs", text(&("x".repeat(86) + "==")));

    let signature = secret("{a20}%2B{a20}%2F{a1}%3D", random, Fill::Random);
    let text =
        |signature: &str| format!("https://x.blob.core.windows.net/c?sv=2023-01-03&se=2030-01-01&sr=c&sig={signature}");
    one("app/main.cs", text(&signature), "azure-shared-access-signature", &signature);
    none("app/main.cs", text(&signature[1..]));
    none("app/main.cs", format!("sig={signature}"));
}

#[test]
fn addresses_with_passwords_are_found() {
    let random = &mut Random::new(11);
    let password = secret("{a12}", random, Fill::Random) + "9a";
    for (text, rule) in [
        ("postgresql://app:{}@db.corp.net:5432/x", "database-url"),
        ("mongodb+srv://app:{}@cluster0.abcde.mongodb.net", "database-url"),
        ("redis://:{}@cache:6379/0", "database-url"),
        ("postgresql+asyncpg://app:{}@db/x", "database-url"),
        ("https://me:{}@pkgs.corp.net/simple", "url-password"),
        ("deb https://me:{}@deb.corp.net/debian stable main", "url-password"),
    ] {
        let text = text.replace("{}", &password);
        one("app/main.py", format!("x = '{text}'"), rule, &password);
        one("etc/x.conf", format!("x = {text}\n"), rule, &password);
    }
    one(
        "root/.git/config",
        "[remote \"origin\"]\n\turl = https://me:tr0ub4dor@git.corp.net/x.git\n",
        "url-password",
        "tr0ub4dor",
    );
    for none_of_these in [
        "https://user:password@host/",
        "https://me:${TOKEN}@git.corp.net/x",
        "https://me:%s@git.corp.net/x",
        "https://me:<password>@git.corp.net/x",
        "https://me:s3cr3tXy99zz@example.com/x",
        "https://git.corp.net/x@y:z",
        "https://me@git.corp.net/",
        "ssh://git@git.corp.net:2222/x",
        "https://me:xxxxxxxx@git.corp.net/x",
        "://me:s3cr3tXy99zz@git.corp.net",
    ] {
        none("etc/x.conf", format!("x = {none_of_these}\n"));
        none("app/main.py", format!("x = '{none_of_these}'\n"));
    }
    // What the signs stand for is judged, and not the signs.
    for words in [
        "http://me:pa%2Fssword@git.corp.net/",
        "http://%3Fme:p%40ssword@git.corp.net",
        "dotenv://:key_1234@dotenv.org/vault/x",
    ] {
        none("app/main.py", format!("x = '{words}'\n"));
    }
}

#[test]
fn webhooks_are_found() {
    let random = &mut Random::new(12);
    for (rule, before, template, behind) in [
        ("slack-webhook", "https://hooks.slack.com/services/T0", "{a24}", ""),
        ("discord-webhook", "https://discord.com/api/webhooks/182736455463728190/", "{a68}", ""),
        ("teams-webhook", "https://corp.webhook.office.com/webhookb2/0a-1b@2c-3d/IncomingWebhook/", "{h32}", "/4e-5f"),
    ] {
        let before = before.replace("/T0", "/T0AB12CD3/B0AB12CD3/");
        let key = secret(template, random, Fill::Random);
        one("app/x.rb", format!("post '{before}{key}{behind}'"), rule, &key);
        for fill in [Fill::Dull, Fill::Foreign] {
            none("app/x.rb", format!("post '{before}{}{behind}'", secret(template, random, fill)));
        }
    }
}
