//! Models and what is built on them.

use super::{Is, Of, Set, Token, token};

pub(super) static TABLE: &[Token] = &[
    // The mark in the middle of OpenAI's keys is its name in base64.
    token("openai-key", "T3BlbkFJ", &[Of(Set::NAME, 20, 90)]).behind(Set::NAME, 23, 110).checked(is_openai),
    token("anthropic-key", "sk-ant-api03-", &[Of(Set::NAME, 95, 95)]).checked(is_anthropic),
    token("anthropic-key", "sk-ant-admin01-", &[Of(Set::NAME, 95, 95)]).checked(is_anthropic),
    token("anthropic-key", "sk-ant-oat01-", &[Of(Set::NAME, 95, 95)]).checked(is_anthropic),
    token("hugging-face-token", "hf_", &[Of(Set::LETTERS, 34, 34)]),
    token("hugging-face-token", "api_org_", &[Of(Set::LETTERS, 34, 34)]),
    token("groq-key", "gsk_", &[Of(Set::ALNUM, 52, 52)]),
    token("xai-key", "xai-", &[Of(Set::ALNUM, 80, 80)]),
    token("replicate-token", "r8_", &[Of(Set::ALNUM, 37, 37)]),
    token("perplexity-key", "pplx-", &[Of(Set::ALNUM, 48, 48)]),
    token("openrouter-key", "sk-or-v1-", &[Of(Set::HEX, 64, 64)]),
    token("nvidia-key", "nvapi-", &[Of(Set::NAME, 60, 70)]).whole_run(),
    token("langsmith-key", "lsv2_pt_", &[Of(Set::HEX, 32, 32), Is("_"), Of(Set::HEX, 10, 10)]),
    token("langsmith-key", "lsv2_sk_", &[Of(Set::HEX, 32, 32), Is("_"), Of(Set::HEX, 10, 10)]),
    token("pinecone-key", "pcsk_", &[Of(Set::ALNUM, 5, 6), Is("_"), Of(Set::ALNUM, 63, 63)]),
    token("tavily-key", "tvly-", &[Of(Set::NAME, 32, 45)]).whole_run(),
    token("elevenlabs-key", "sk_", &[Of(Set::HEX, 48, 48)]),
    token("deepseek-key", "sk-", &[Of(Set::HEX, 32, 32)]),
];

fn is_openai(key: &[u8]) -> bool {
    key.starts_with(b"sk-")
}

fn is_anthropic(key: &[u8]) -> bool {
    key.ends_with(b"AA")
}
