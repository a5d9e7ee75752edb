//! `port`: where an image listens.

use crate::spec::Spanned;
use crate::spec::expand::{Cx, Given, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use crate::syntax::Argument;
use std::fmt;

/// A port on which an image listens; displayed as `8080/tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// 1 to 65535.
    pub number: u16,
    /// The protocol.
    pub protocol: Protocol,
}

/// The protocols of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP; what a bare number means.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        };
        write!(f, "{}/{protocol}", self.number)
    }
}

const PORT: Form = Form::new("port", "port 8080 \"53/udp\"");

/// Reads `port`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Vec<Spanned<Port>> {
    let mut reader = Reader::new(cx, item, PORT);
    let mut ports = Vec::new();
    let mut argument = reader.required("a number");
    while let Some(given) = argument {
        ports.extend(port(&mut reader, given).map(|port| Spanned::new(port, given.span)));
        argument = reader.next();
    }
    reader.finish();
    ports
}

fn port(reader: &mut Reader, argument: &Argument) -> Option<Port> {
    let (number, protocol, written) = match reader.value(argument)? {
        Given::Int(number) => (number, Some(Protocol::Tcp), number.to_string()),
        Given::AnyInt(number) => (number.into(), Some(Protocol::Tcp), number.to_string()),
        Given::Text(text) => match text.split_once('/') {
            Some((number, protocol)) => (number.parse().unwrap_or(0), Protocol::named(protocol), text.clone()),
            None => (0, None, text),
        },
        other => {
            reader.report(mistake::wrong_type(argument.span, "a port", other.kind()));
            return None;
        }
    };
    let help = "write a number for TCP, `8080`, or a string with the protocol: `\"53/udp\"`, `\"9/sctp\"`";
    let number = u16::try_from(number).ok().filter(|number| *number > 0);
    match (number, protocol) {
        (Some(number), Some(protocol)) => Some(Port { number, protocol }),
        _ if written.parse::<u16>().is_ok_and(|number| number > 0) => {
            let message = format!("the port {written} is written without quotes");
            reader.report(mistake::bad_value(argument.span, message, help));
            None
        }
        _ => {
            let message = format!("`{}` is no port from 1 to 65535", mistake::clip(&written));
            reader.report(mistake::bad_value(argument.span, message, help));
            None
        }
    }
}

impl Protocol {
    fn named(name: &str) -> Option<Self> {
        match name {
            "tcp" => Some(Protocol::Tcp),
            "udp" => Some(Protocol::Udp),
            "sctp" => Some(Protocol::Sctp),
            _ => None,
        }
    }
}
