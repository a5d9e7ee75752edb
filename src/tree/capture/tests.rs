use super::*;
use crate::tree::materialise::layer;
