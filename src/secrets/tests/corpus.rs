//! Tokens that are known by their look: each form is found, and what almost has it is not.

use super::{Place, found, none, one};
use crate::secrets::fixtures::{Fill, Random, secret};
use crate::secrets::search_text;
use std::collections::BTreeSet;

/// A rule, and what its secrets look like, written independently of the search: see [`secret`].
pub(super) const CORPUS: &[(&str, &str)] = &[
    ("age-secret-key", "AGE-SECRET|-KEY-1{bech}"),
    ("airtable-token", "pa|t{a14}.{h64}"),
    ("alibaba-access-key-id", "LT|AI{a20}"),
    ("amazon-mws-token", "amzn.|mws.{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("anthropic-key", "sk-|ant-api03-{n93}AA"),
    ("anthropic-key", "sk-|ant-admin01-{n93}AA"),
    ("artifactory-key", "AK|Cp{a69}"),
    ("artifactory-token", "cmVm|dGtu{a56}"),
    ("atlassian-token", "ATA|TT3{n150}"),
    ("aws-access-key-id", "AK|IAJ{215}"),
    ("aws-access-key-id", "AS|IAI{215}"),
    ("azure-devops-token", "{a76}AZ|DO{a4}"),
    ("bitbucket-password", "AT|BB{a32}"),
    ("brevo-key", "xkey|sib-{h64}-{a16}"),
    ("buildkite-token", "bk|ua_{h40}"),
    ("circleci-token", "CCI|PAT_{a22}_{h40}"),
    ("clickup-token", "p|k_{d8}_{u32}"),
    ("clojars-token", "CLO|JARS_{h60}"),
    ("cloudflare-origin-key", "v1|.0-{h24}-{h146}"),
    ("cockroachdb-key", "CC|DB1_{a22}_{a40}"),
    ("contentful-token", "CF|PAT-{n43}"),
    ("crates-io-token", "ci|o{a32}"),
    ("databricks-token", "da|pi{h32}"),
    ("deepseek-key", "s|k-{h32}"),
    ("digitalocean-token", "dop|_v1_{h64}"),
    ("docker-hub-token", "dckr|_pat_{n27}"),
    ("docker-hub-token", "dckr|_oat_{n32}"),
    ("doppler-token", "dp|.pt.{a40}"),
    ("doppler-token", "dp|.st.dev.{a40}"),
    ("dropbox-token", "s|l.{n130}"),
    ("duffel-token", "duffel|_live_{n43}"),
    ("dynatrace-token", "dt0|c01.{u24}.{u64}"),
    ("easypost-key", "EZ|AK{a54}"),
    ("elevenlabs-key", "s|k_{h48}"),
    ("facebook-token", "EA|AC{a100}"),
    ("figma-token", "fi|gd_{n40}"),
    ("firebase-messaging-key", "AAAA{n7}:AP|A91b{n134}"),
    ("flutterwave-key", "FLW|SECK-{h32}-X"),
    ("fly-token", "fm|2_lJPETwAAAAAAAA{a10}{b76}"),
    ("github-fine-grained-token", "github|_pat_{a22}_{a59}"),
    ("github-token", "gh|p_{a30}{crc62}"),
    ("github-token", "gh|o_{a30}{crc62}"),
    ("github-token", "gh|u_{a30}{crc62}"),
    ("github-token", "gh|s_{a30}{crc62}"),
    ("github-token", "gh|r_{a70}{crc62}"),
    ("gitlab-agent-token", "gl|agent-{n50}"),
    ("gitlab-deploy-token", "gl|dt-{n20}"),
    ("gitlab-feed-token", "gl|ft-{n20}"),
    ("gitlab-mail-token", "gl|imt-{n25}"),
    ("gitlab-oauth-secret", "gl|oas-{n64}"),
    ("gitlab-runner-token", "gl|rt-{n20}"),
    ("gitlab-runner-token", "GR13|48941{n20}"),
    ("gitlab-scim-token", "gl|soat-{n20}"),
    ("gitlab-token", "gl|pat-{n20}"),
    ("gitlab-token", "gl|pat-{n42}.16{crc36}"),
    ("gitlab-token", "gl|pat-{n42}.01.16{crc36}"),
    ("gitlab-trigger-token", "gl|ptt-{h40}"),
    ("google-api-key", "AI|za{n35}"),
    ("google-oauth-secret", "GOC|SPX-{n28}"),
    ("google-oauth-token", "ya|29.{n40}"),
    ("google-refresh-token", "1/|/0{n60}"),
    ("grafana-key", "eyJr|Ijoi{a14}{b56}"),
    ("grafana-token", "gl|sa_{a32}_{h8}"),
    ("groq-key", "gs|k_{a52}"),
    ("heroku-key", "HR|KU-AA{n58}"),
    ("honeycomb-key", "hca|ik_{l58}"),
    ("hugging-face-token", "h|f_{L34}"),
    ("langsmith-key", "lsv2|_pt_{h32}_{h10}"),
    ("linear-token", "lin|_api_{a40}"),
    ("mailchimp-key", "{h32}-u|s{d1}"),
    ("mailersend-token", "ml|sn.{h64}"),
    ("mailgun-key", "ke|y-{h32}"),
    ("mailgun-key", "{h32}-{h8}-{h8}"),
    ("mongodb-atlas-secret", "mdb|_sa_sk_{n40}"),
    ("netlify-token", "nf|p_{a36}"),
    ("new-relic-key", "NR|AK-{u27}"),
    ("new-relic-licence", "{h36}NR|AL"),
    ("notion-token", "nt|n_{a46}"),
    ("notion-token", "secr|et_{a43}"),
    ("npm-token", "np|m_{a30}{crc62}"),
    ("nuget-key", "oy|2{l43}"),
    ("nvidia-key", "nv|api-{n60}"),
    ("octopus-deploy-key", "AP|I-{u26}"),
    ("one-password-secret-key", "A|3-{u6}-{u6}-{u5}-{u5}-{u5}"),
    ("one-password-service-token", "op|s_eyJ{n200}"),
    ("openai-key", "s|k-{a20}T3Bl|bkFJ{a20}"),
    ("openai-key", "s|k-proj-{n74}T3Bl|bkFJ{n20}"),
    ("openrouter-key", "sk-|or-v1-{h64}"),
    ("perplexity-key", "pp|lx-{a48}"),
    ("pinecone-key", "pc|sk_{a6}_{a63}"),
    ("plaid-token", "access-|production-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("planetscale-password", "pscale|_pw_{n32}"),
    ("planetscale-token", "pscale|_tkn_{n32}"),
    ("posthog-key", "ph|x_{a40}"),
    ("postman-key", "PM|AK-{h24}-{h34}"),
    ("pulumi-token", "pu|l-{h40}"),
    ("pypi-token", "pypi-AgE|IcHlwaS5vcmc{n38}"),
    ("readme-key", "rd|me_{l70}"),
    ("render-key", "rn|d_{a32}"),
    ("replicate-token", "r|8_{a37}"),
    ("resend-key", "r|e_{a8}_{a24}"),
    ("rubygems-token", "ruby|gems_{h48}"),
    ("sendgrid-key", "S|G.{n22}.{n43}"),
    ("sentry-token", "sntr|yu_{h64}"),
    ("shippo-token", "shippo|_live_{h40}"),
    ("shopify-secret", "shp|ss_{h32}"),
    ("shopify-token", "shp|at_{h32}"),
    ("slack-app-token", "xap|p-1-A{u10}-{d13}-{h60}"),
    ("slack-token", "xox|b-{d12}-{d13}-{a24}"),
    ("slack-token", "xox|p-{d12}-{d12}-{d12}-{h28}"),
    ("slack-token", "xox|e.xoxp-1-{a150}"),
    ("sonarqube-token", "sq|u_{h40}"),
    ("sourcegraph-token", "sg|p_{h16}_{h40}"),
    ("square-secret", "sq0|csp-{n43}"),
    ("square-token", "sq0|atp-{n22}"),
    ("square-token", "EA|AA{n60}"),
    ("stripe-key", "sk|_live_{a24}"),
    ("stripe-test-key", "sk|_test_{a24}"),
    ("stripe-webhook-secret", "wh|sec_{a32}"),
    ("supabase-token", "sb|p_{h40}"),
    ("tailscale-key", "tskey|-auth-{a10}-{a20}"),
    ("tavily-key", "tv|ly-{a32}"),
    ("telegram-bot-token", "{d9}:A|A{n33}"),
    ("tencent-secret-id", "AK|ID{a32}"),
    ("terraform-cloud-token", "{a14}.at|lasv1.{n60}"),
    ("trello-token", "AT|TA{h64}"),
    ("twilio-key", "S|K{h32}"),
    ("typeform-token", "tf|p_{n59}"),
    ("vault-token", "hv|s.{n24}"),
    ("xai-key", "xa|i-{a80}"),
    ("azure-client-secret", "{a3}8|Q~{a31}"),
    ("mapbox-token", "s|k.eyJ{n60}.{n22}"),
];

#[test]
fn every_form_is_found_once_where_it_stands() {
    for (seed, (rule, template)) in CORPUS.iter().enumerate() {
        let random = &mut Random::new(seed as u64 + 1);
        for _ in 0..20 {
            let secret = loop {
                let secret = secret(template, random, Fill::Random);
                // A dash at an end is allowed, and what stands beside it in a text is not known.
                if !secret.ends_with(['-', '_']) {
                    break secret;
                }
            };
            let text = format!("# first\n  second = \"{secret}\"\nthird\n");
            let leak = one("usr/src/main.py", &text, rule, &secret);
            assert_eq!((leak.line, leak.column, leak.offset), (Some(2), Some(13), 20), "{rule}");
            let shown = leak.shown.strip_suffix('…').unwrap();
            assert!(shown.len() <= 4 && secret.starts_with(shown), "{rule}: {shown}");
            assert!(!format!("{leak:?}").contains(&secret[4..]));
            let context = search_text(format!("TOOL={secret}"), Place::Variables);
            assert!(context.iter().any(|leak| leak.rule.id == *rule), "{rule}: {context:?}");
        }
    }
}

#[test]
fn what_almost_has_a_form_is_none() {
    for (seed, (rule, template)) in CORPUS.iter().enumerate() {
        let random = &mut Random::new(seed as u64 + 1000);
        let has_sum = template.contains("crc") || template.contains("bech");
        for fill in [Fill::Dull, Fill::Foreign, Fill::Short, Fill::Miscounted] {
            let skipped = match fill {
                // What has one place of a few digits is not shorter by one.
                Fill::Short => template.ends_with("{d1}") || template.ends_with("NR|AL"),
                Fill::Miscounted => !has_sum,
                _ => false,
            };
            if !skipped {
                let secret = secret(template, random, fill);
                let leaks = found("usr/src/main.py", format!("x = '{secret}'\n"));
                assert!(leaks.is_empty(), "{rule}, {fill:?}: {secret}: {leaks:?}");
            }
        }
    }
}

#[test]
fn letters_before_and_behind_make_another_word_of_it() {
    for (rule, template) in
        [("hugging-face-token", "h|f_{L34}"), ("crates-io-token", "ci|o{a32}"), ("twilio-key", "S|K{h32}")]
    {
        let random = &mut Random::new(7);
        let secret = secret(template, random, Fill::Random);
        none("usr/src/main.py", format!("x = 'a{secret}'"));
        none("usr/src/main.py", format!("x = '{secret}z9'"));
        // But an escape is no letter of it.
        one("usr/src/main.py", format!("x = 'a\\n{secret}\\n'"), rule, &secret);
        one("usr/src/main.py", format!("x=a%3D{secret}%0A"), rule, &secret);
    }
}

#[test]
fn a_checksum_proves_a_token_among_other_texts() {
    let secret = secret("gh|p_{a30}{crc62}", &mut Random::new(3), Fill::Random);
    one("usr/bin/tool", format!("\0prefix{secret}suffix\0"), "github-token", &secret);
}

#[test]
fn every_rule_has_tests() {
    let source =
        [include_str!("corpus.rs"), include_str!("keys.rs"), include_str!("places.rs"), include_str!("archives.rs")]
            .concat();
    let missing: BTreeSet<&str> =
        crate::secrets::RULES.iter().map(|rule| rule.id).filter(|id| !source.contains(&format!("\"{id}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn rules_are_sorted_and_complete() {
    let rules = crate::secrets::RULES;
    assert!(rules.windows(2).all(|pair| pair[0].id < pair[1].id));
    for rule in rules {
        assert!(
            !rule.title.is_empty() && !rule.what_to_do.is_empty() && crate::secrets::Rule::named(rule.id) == Some(rule)
        );
    }
}
