//! Where a request comes from, for what is limited before anybody has signed in.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The client's address, as the last of `trusted_proxies` proxies saw it. Each proxy appends whom it serves to
/// `X-Forwarded-For`, so only as many entries from the right can be believed as there are proxies; whatever a client
/// writes there itself stands further left, and may be anything, also no text.
pub fn client_address(peer: IpAddr, forwarded_for: &[&[u8]], trusted_proxies: usize) -> IpAddr {
    let entries = forwarded_for.iter().rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    let mut client = peer;
    for entry in entries.take(trusted_proxies) {
        let Some(address) = parse(entry) else { break };
        client = address;
    }
    client.to_canonical()
}

/// Some proxies add the port.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry).ok()?.trim();
    let with_port = || entry.parse::<SocketAddr>().map(|address| address.ip());
    entry.parse().or_else(|_| with_port()).ok()
}

/// Whoever has one IPv6 address has the whole /64 around it.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(forwarded_for: &[&str], trusted_proxies: usize) -> String {
        let forwarded_for: Vec<&[u8]> = forwarded_for.iter().map(|value| value.as_bytes()).collect();
        client_of_bytes(&forwarded_for, trusted_proxies)
    }

    fn client_of_bytes(forwarded_for: &[&[u8]], trusted_proxies: usize) -> String {
        client_address("10.0.0.1".parse().expect("an address"), forwarded_for, trusted_proxies).to_string()
    }

    #[test]
    fn without_proxies_the_header_is_not_believed() {
        assert_eq!(client(&["203.0.113.9"], 0), "10.0.0.1");
    }

    #[test]
    fn entries_are_counted_from_the_right() {
        let header = ["6.6.6.6, 203.0.113.9", "198.51.100.7"];
        assert_eq!(client(&header, 1), "198.51.100.7");
        assert_eq!(client(&header, 2), "203.0.113.9");
    }

    #[test]
    fn a_missing_or_senseless_entry_leaves_the_last_one_that_makes_sense() {
        assert_eq!(client(&[], 1), "10.0.0.1");
        assert_eq!(client(&["198.51.100.7"], 3), "198.51.100.7");
        assert_eq!(client(&["6.6.6.6, unknown, 198.51.100.7"], 3), "198.51.100.7");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing_of_what_a_proxy_has_added() {
        let header: [&[u8]; 1] = [b"6.6.6.\xff, 203.0.113.9"];
        assert_eq!(client_of_bytes(&header, 1), "203.0.113.9");
        assert_eq!(client_of_bytes(&header, 2), "203.0.113.9");
    }

    #[test]
    fn ports_and_ipv4_in_ipv6_are_understood() {
        assert_eq!(client(&["203.0.113.9:4711"], 1), "203.0.113.9");
        assert_eq!(client(&["[2001:db8::1]:4711"], 1), "2001:db8::1");
        assert_eq!(client(&["::ffff:203.0.113.9"], 1), "203.0.113.9");
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let of = |text: &str| network(text.parse().expect("an address")).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
    }
}
