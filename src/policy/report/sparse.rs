//! JSON without what is not known.

use serde_json::Value;

/// A document without members that are null, empty lists or empty objects: the schemas of others allow a member to be
/// missing, and seldom to be null. Lists that must be there although they are empty are added by those who know that.
pub(super) fn sparse(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().map(|(name, value)| (name, sparse(value)));
            Value::Object(kept.filter(|(_, value)| !is_nothing(value)).collect())
        }
        Value::Array(rows) => Value::Array(rows.into_iter().map(sparse).collect()),
        value => value,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(rows) => rows.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
