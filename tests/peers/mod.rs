//! What foreign tools say about kiln's output. All of these tests are ignored by default: they need the network or a tool.

mod cosign;
mod layout;
mod release;
mod sbom;
mod tools;
