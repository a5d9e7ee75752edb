//! Where code and packages are kept and built.

use super::{Is, Of, Set, Token, token};
use crate::secrets::checksum;

pub(super) static TABLE: &[Token] = &[
    token("github-token", "ghp_", &[Of(Set::ALNUM, 36, 36)]).anywhere().checked(checksum::crc_base62),
    token("github-token", "gho_", &[Of(Set::ALNUM, 36, 36)]).anywhere().checked(checksum::crc_base62),
    token("github-token", "ghu_", &[Of(Set::ALNUM, 36, 36)]).anywhere().checked(checksum::crc_base62),
    token("github-token", "ghs_", &[Of(Set::ALNUM, 36, 36)]).anywhere().checked(checksum::crc_base62),
    token("github-token", "ghr_", &[Of(Set::ALNUM, 36, 36)]).anywhere().checked(checksum::crc_base62),
    token("github-token", "ghr_", &[Of(Set::ALNUM, 76, 76)]).anywhere().checked(checksum::crc_base62),
    token("github-fine-grained-token", "github_pat_", &[Of(Set::ALNUM, 22, 22), Is("_"), Of(Set::ALNUM, 59, 59)])
        .anywhere(),
    token("gitlab-token", "glpat-", &[Of(Set::NAME, 20, 20)]),
    token("gitlab-token", "glpat-", &[Of(Set::NAME, 27, 300), Is("."), Of(Set::LOWER, 9, 9)])
        .whole_run()
        .checked(checksum::crc_base36),
    token("gitlab-token", "glpat-", &[Of(Set::NAME, 27, 300), Is(".01."), Of(Set::LOWER, 9, 9)])
        .whole_run()
        .checked(checksum::crc_base36),
    token("gitlab-deploy-token", "gldt-", &[Of(Set::NAME, 20, 20)]),
    token("gitlab-runner-token", "glrt-", &[Of(Set::NAME, 20, 20)]),
    token("gitlab-runner-token", "glrt-", &[Of(Set::NAME, 27, 300), Is(".01."), Of(Set::LOWER, 9, 9)])
        .whole_run()
        .checked(checksum::crc_base36),
    token("gitlab-runner-token", "GR1348941", &[Of(Set::NAME, 20, 20)]),
    token("gitlab-trigger-token", "glptt-", &[Of(Set::HEX, 40, 40)]),
    token("gitlab-feed-token", "glft-", &[Of(Set::NAME, 20, 20)]),
    token("gitlab-scim-token", "glsoat-", &[Of(Set::NAME, 20, 20)]),
    token("gitlab-mail-token", "glimt-", &[Of(Set::NAME, 25, 25)]),
    token("gitlab-agent-token", "glagent-", &[Of(Set::NAME, 50, 50)]),
    token("gitlab-oauth-secret", "gloas-", &[Of(Set::NAME, 64, 64)]),
    token("bitbucket-password", "ATBB", &[Of(Set::ALNUM, 32, 32)]),
    token("atlassian-token", "ATATT3", &[Of(Set::DOTTED, 150, 250)]).whole_run(),
    token("atlassian-token", "ATCTT3", &[Of(Set::DOTTED, 150, 250)]).whole_run(),
    token("npm-token", "npm_", &[Of(Set::ALNUM, 36, 36)]).anywhere().checked(checksum::crc_base62),
    token("crates-io-token", "cio", &[Of(Set::ALNUM, 32, 32)]),
    token("pypi-token", "pypi-AgE", &[Of(Set::NAME, 50, 1000)]).whole_run().checked(checksum::macaroon),
    token("rubygems-token", "rubygems_", &[Of(Set::HEX, 48, 48)]).anywhere(),
    token("nuget-key", "oy2", &[Of(Set::LOWER, 43, 43)]),
    token("clojars-token", "CLOJARS_", &[Of(Set::HEX_ANY, 60, 60)]),
    token("docker-hub-token", "dckr_pat_", &[Of(Set::NAME, 27, 27)]).anywhere(),
    token("docker-hub-token", "dckr_oat_", &[Of(Set::NAME, 32, 32)]).anywhere(),
    token("artifactory-key", "AKCp", &[Of(Set::ALNUM, 69, 69)]),
    token("artifactory-token", "cmVmdGtu", &[Of(Set::ALNUM, 56, 56)]),
    token("sonarqube-token", "squ_", &[Of(Set::HEX, 40, 40)]),
    token("sonarqube-token", "sqp_", &[Of(Set::HEX, 40, 40)]),
    token("sonarqube-token", "sqa_", &[Of(Set::HEX, 40, 40)]),
    token("sourcegraph-token", "sgp_", &[Of(Set::HEX_ANY, 16, 16), Is("_"), Of(Set::HEX_ANY, 40, 40)]),
    token("sourcegraph-token", "sgp_", &[Of(Set::HEX_ANY, 40, 40)]),
    token("circleci-token", "CCIPAT_", &[Of(Set::ALNUM, 22, 22), Is("_"), Of(Set::HEX, 40, 40)]),
    token("buildkite-token", "bkua_", &[Of(Set::HEX, 40, 40)]),
    token("octopus-deploy-key", "API-", &[Of(Set::UPPER, 26, 26)]),
    token("postman-key", "PMAK-", &[Of(Set::HEX, 24, 24), Is("-"), Of(Set::HEX, 34, 34)]),
    token("azure-devops-token", "AZDO", &[Of(Set::ALNUM, 4, 4)]).behind(Set::ALNUM, 76, 76),
    token("pulumi-token", "pul-", &[Of(Set::HEX, 40, 40)]),
];
