//! Why a hole is no danger to what has it.

use serde::{Deserialize, Serialize};

/// Why a hole does not matter to an image: the five reasons that CISA's minimum requirements for VEX name, and OpenVEX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&str")]
pub enum Justification {
    /// What has the hole is not there.
    ComponentNotPresent,
    /// It is there without the code that has it.
    CodeNotPresent,
    /// The code is there and never runs.
    CodeNotInExecutePath,
    /// It runs, and never with what an attacker sends.
    CodeNotControllable,
    /// Something in the image keeps it from being used.
    InlineMitigations,
}

impl Justification {
    /// All of them.
    pub const ALL: [Justification; 5] = [
        Justification::ComponentNotPresent,
        Justification::CodeNotPresent,
        Justification::CodeNotInExecutePath,
        Justification::CodeNotControllable,
        Justification::InlineMitigations,
    ];

    /// OpenVEX's word, which specs write too.
    pub fn name(self) -> &'static str {
        match self {
            Justification::ComponentNotPresent => "component_not_present",
            Justification::CodeNotPresent => "vulnerable_code_not_present",
            Justification::CodeNotInExecutePath => "vulnerable_code_not_in_execute_path",
            Justification::CodeNotControllable => "vulnerable_code_cannot_be_controlled_by_adversary",
            Justification::InlineMitigations => "inline_mitigations_already_exist",
        }
    }

    /// CycloneDX's word for it, or the nearest that it has.
    pub fn cyclonedx(self) -> &'static str {
        match self {
            Justification::ComponentNotPresent | Justification::CodeNotPresent => "code_not_present",
            Justification::CodeNotInExecutePath => "code_not_reachable",
            Justification::CodeNotControllable => "requires_environment",
            Justification::InlineMitigations => "protected_by_mitigating_control",
        }
    }

    /// The one of this name: OpenVEX's, or CycloneDX's, of which there are more.
    pub fn named(name: &str) -> Option<Justification> {
        Justification::ALL.into_iter().find(|known| known.name() == name).or(match name {
            "code_not_present" => Some(Justification::CodeNotPresent),
            "code_not_reachable" => Some(Justification::CodeNotInExecutePath),
            "requires_configuration" | "requires_dependency" | "requires_environment" => {
                Some(Justification::CodeNotControllable)
            }
            "protected_by_compiler"
            | "protected_at_runtime"
            | "protected_at_perimeter"
            | "protected_by_mitigating_control" => Some(Justification::InlineMitigations),
            _ => None,
        })
    }
}

impl TryFrom<String> for Justification {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Justification::named(&name).ok_or_else(|| format!("there is no justification {name}"))
    }
}

impl From<Justification> for &str {
    fn from(justification: Justification) -> Self {
        justification.name()
    }
}
