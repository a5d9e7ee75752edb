//! What looks like a secret to those who look only once.

use super::none;
use crate::oci::Digest;
use crate::secrets::fixtures::{Fill, Random, secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[test]
fn names_digests_and_data_are_no_secrets() {
    let random = &mut Random::new(1);
    let digest = Digest::of("x").hex();
    let base64 = STANDARD.encode(random.bytes(30_000));
    let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    for text in [
        format!("sha256:{digest}\n{uuid}\n"),
        format!("api_key: {uuid}\n"),
        format!("token_hash = \"{digest}\"\n"),
        format!("<img src=\"data:image/png;base64,{base64}\">"),
        format!("\"integrity\": \"sha512-{}\",\n", STANDARD.encode(random.bytes(64))),
        format!("ssh-rsa {} me@host\n", STANDARD.encode(random.bytes(270))),
        format!("!function(e){{var t=\"{}\";e.password=t.token=e.secret(1)}}\n", &base64[..600]),
        "password = os.environ['DB_PASSWORD']\nsecret: !Ref Secret\ntoken: ${{ secrets.GITHUB_TOKEN }}\n".into(),
        "# password = tr0ub4dor-Xy9\n; password = tr0ub4dor-Xy9\n// token: Zx81kq02mvn4Ty7bQ9\n".into(),
        "password_file = /run/secrets/x1y2z3w4\ntoken_url = https://corp.net/oauth2/token\nsecret_name: db-credentials-v2\n".into(),
        "passwordField: input-Password1\nmax_tokens: 4096\ntokenizer = bert-base-uncased-v1.2\n".into(),
        "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n".into(),
        "curl -H 'Authorization: Bearer <token>' https://user:pass@corp.net/\n".into(),
        "\"ARN\": \"arn:aws:secretsmanager:us-west-2:123456789012:secret:OrdersDatabase-a1b2c3\",\n".into(),
        "{\"Action\":\"output\",\"Output\":\"    --- PASS: TestVet/5 (0.07s)\\n\"}\nPASS: login-2FA.sh\n".into(),
        format!("\"NextContinuationToken\": \"{}\",\n", STANDARD.encode(random.bytes(40))),
        format!("\"nextToken\": \"{}\", \"GrantToken\": \"{}\"\n", &base64[..60], &base64[60..200]),
        "\"PurchaseToken\": \"eyJ2IjoiMSIsInMiOjEsImMiOi...\",\n".into(),
        // As it stands in programs that look for secrets, this one too.
        "-----BEGIN 7Q~8Q~secret_access_keySECRET_ACCESS_KEY\n".into(),
    ] {
        for path in ["usr/share/doc/x", "app/x.yaml", "app/x.json", "app/x.conf"] {
            none(path, &text);
        }
    }
}

#[test]
fn a_megabyte_of_any_characters_has_no_token() {
    for kind in ["a", "h", "n", "b", "u", "l", "2", "d"] {
        let text = secret(&format!("{{{kind}1000000}}"), &mut Random::new(4), Fill::Random);
        none("usr/lib/x.bin", &text);
        let lines: Vec<&str> = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        none("usr/lib/x.txt", lines.join("\n"));
    }
}

#[test]
fn base64_with_the_mark_of_a_token_is_data() {
    let random = &mut Random::new(6);
    for template in ["{b30}/EA|AA{n60}/{b30}", "{b30}+EA|AC{a100}/{b30}", "{b30}/EA|AM{a110}="] {
        none("usr/share/index.js", format!("x(\"{}\")", secret(template, random, Fill::Random)));
    }
}

#[test]
fn bytes_of_any_kind_have_no_secret() {
    let bytes = Random::new(5).bytes(4 << 20);
    none("usr/bin/x", [b"\x7fELF\0", &bytes[..]].concat());
}
