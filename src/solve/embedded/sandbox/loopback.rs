//! The loopback interface of a new network namespace, which is down at first.

use rustix::io::{Errno, Result};
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// rtnetlink(7): changes a link.
const RTM_NEWLINK: u16 = 16;
/// netlink(7): this is a request, and it is answered.
const REQUEST_AND_ACK: u16 = 1 | 4;
/// netdevice(7).
const IFF_UP: u32 = 1;
/// netlink(7): the answer.
const NLMSG_ERROR: u16 = 2;

/// Brings it up, by the protocol number 0, which is rtnetlink's: the first interface of every network namespace is the loopback interface.
pub(super) fn up() -> Result<()> {
    let socket = net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    net::send(&socket, &message(), SendFlags::empty())?;
    let mut answer = [0; 256];
    let (count, _) = net::recv(&socket, &mut answer, RecvFlags::empty())?;
    let word = |at: usize| answer[..count].get(at..at + 4)?.try_into().ok().map(i32::from_ne_bytes);
    let kind = answer[..count].get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    match (kind, word(16)) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(error)) => Err(Errno::from_raw_os_error(error.wrapping_neg())),
        _ => Err(Errno::PROTO),
    }
}

/// A `struct nlmsghdr` with a `struct ifinfomsg` for interface 1.
fn message() -> Vec<u8> {
    let header =
        [&32u32.to_ne_bytes()[..], &RTM_NEWLINK.to_ne_bytes(), &REQUEST_AND_ACK.to_ne_bytes(), &[0; 8]].concat();
    let link = [&[0; 4][..], &1i32.to_ne_bytes(), &IFF_UP.to_ne_bytes(), &IFF_UP.to_ne_bytes()].concat();
    [header, link].concat()
}
