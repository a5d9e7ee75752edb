//! What foreign tools say about kiln's output. All of these tests are ignored by default: they need the network or a tool.

mod buildctl;
mod buildkit;
mod catalogued;
mod cosign;
mod daemons;
mod docker_registry;
mod entrusted;
mod frontend;
mod graphs;
mod layout;
mod pools;
mod pulled;
mod pushed;
mod release;
mod roots;
mod sbom;
mod shelves;
mod tools;
