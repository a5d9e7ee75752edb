//! The sandbox of this machine, in file systems that hold one static program.

mod escaping;
mod killed;
mod limited;
mod overhead;
mod room;
mod running;
mod workers;
