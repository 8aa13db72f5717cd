//! Frames that carry a packet of the model, in all the ways that IP has for it, and frames that
//! cannot be read.

use portolan::model::{Packet, Tracking, Transport};
use std::net::IpAddr;

/// The numbers that the program built for tests has for tracking.
fn tracking_number(tracking: Tracking) -> u8 {
    match tracking {
        Tracking::New => 0,
        Tracking::Original => 1,
        Tracking::Reply => 2,
        Tracking::Related => 3,
        Tracking::Invalid => 4,
        Tracking::Untracked => 5,
    }
}

/// Another port than the packet's, where a program that forgets an extension would read one.
fn other_port(port: u16) -> u16 {
    port ^ 0x5555
}

/// The protocol, and what comes after the IP header.
fn carried(packet: &Packet) -> (u8, Vec<u8>) {
    let [high, low] = packet.port.to_be_bytes();
    let with_ports = |protocol| {
        (
            protocol,
            vec![0x9c, 0x40, high, low, 0, 0, 0, 0, 0, 0, 0, 0],
        )
    };
    match packet.transport {
        Transport::Tcp => with_ports(6),
        Transport::Udp => with_ports(17),
        Transport::Sctp => with_ports(132),
        Transport::Discovery => (58, vec![135, 0, high, low, 0, 0, 0, 0]),
        // The port is where ports would be.
        Transport::Other if packet.source.is_ipv6() => (58, vec![128, 0, high, low, 0, 0, 0, 1]),
        Transport::Other => (1, vec![8, 0, high, low, 0, 0, 0, 1]),
    }
}

fn ethernet(packet: &Packet, ip: &[u8]) -> String {
    let hook = match packet.hook {
        portolan::model::Hook::Input => 1,
        portolan::model::Hook::Forward => 2,
    };
    let kind: [u8; 2] = if packet.source.is_ipv4() {
        [8, 0]
    } else {
        [0x86, 0xdd]
    };
    let mut line = format!("{hook} {} ", tracking_number(packet.tracking));
    for byte in [0u8; 12].iter().chain(&kind).chain(ip) {
        line.push_str(&format!("{byte:02x}"));
    }
    line.push('\n');
    line
}

/// What an IPv4 header says besides addresses.
struct Header4 {
    options: Vec<u8>,
    fragment: u16,
    protocol: u8,
    first: Option<u8>,
    length: Option<u16>,
}

fn ipv4(packet: &Packet, header: &Header4, payload: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (packet.source, packet.destination) else {
        unreachable!("of IPv4");
    };
    let length = 20 + header.options.len();
    let total = u16::try_from(length + payload.len()).unwrap();
    let words = u8::try_from(length / 4).unwrap();
    let mut bytes = vec![header.first.unwrap_or(0x40 | words), 0];
    bytes.extend(header.length.unwrap_or(total).to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(header.fragment.to_be_bytes());
    bytes.extend([64, header.protocol, 0, 0]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(&header.options);
    bytes.extend(payload);
    bytes
}

fn ipv6(packet: &Packet, first: u8, extensions: &[u8], payload: &[u8]) -> Vec<u8> {
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (packet.source, packet.destination) else {
        unreachable!("of IPv6");
    };
    let length = u16::try_from(extensions.len() + payload.len()).unwrap();
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(length.to_be_bytes());
    bytes.extend([first, 64]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(extensions);
    bytes.extend(payload);
    bytes
}

/// An extension header of eight bytes that holds another port where TCP would have one.
fn extension(next: u8, length: u8, port: u16) -> Vec<u8> {
    let [high, low] = other_port(port).to_be_bytes();
    vec![next, length, high, low, 1, 0, 0, 0]
}

/// The packet as a frame: plainly, and with everything that an IP header can have before what it
/// carries. All of them are to be treated alike.
pub(crate) fn readable(packet: &Packet) -> Vec<String> {
    let (protocol, payload) = carried(packet);
    let port = packet.port;
    if packet.source.is_ipv4() {
        let header = |options: Vec<u8>, fragment| Header4 {
            options,
            fragment,
            protocol,
            first: None,
            length: None,
        };
        let [high, low] = other_port(port).to_be_bytes();
        // Options of four bytes and of forty, in which ports would be at the fixed offset.
        let short = header(vec![0x9c, 0x40, high, low], 0);
        let long = header([0x9c, 0x40, high, low].repeat(10), 0);
        // "Don't fragment".
        let plain = header(Vec::new(), 0x4000);
        return [plain, short, long]
            .iter()
            .map(|header| ethernet(packet, &ipv4(packet, header, &payload)))
            .collect();
    }
    let with =
        |first: u8, extensions: &[u8]| ethernet(packet, &ipv6(packet, first, extensions, &payload));
    let whole_fragment = [protocol, 0, 0, 0, 0, 0, 0, 1];
    let mut chain = extension(43, 0, port);
    chain.extend(extension(60, 0, port));
    chain.extend(extension(44, 0, port));
    chain.extend([51, 0, 0, 0, 0, 0, 0, 2]);
    // Authentication counts in words of four bytes.
    chain.extend(extension(protocol, 1, port));
    chain.extend([0; 4]);
    vec![
        with(protocol, &[]),
        with(0, &extension(protocol, 0, port)),
        with(44, &whole_fragment),
        with(0, &chain),
    ]
}

/// The packet as frames that cannot be read: fragments, cut short, chains of headers without end.
pub(crate) fn unreadable(packet: &Packet) -> Vec<String> {
    let (protocol, payload) = carried(packet);
    let has_ports = packet.transport.has_ports();
    let port = packet.port;
    if packet.source.is_ipv4() {
        let with = |fragment: u16, payload: &[u8], length: Option<u16>| {
            let header = Header4 {
                options: Vec::new(),
                fragment,
                protocol,
                first: None,
                length,
            };
            ethernet(packet, &ipv4(packet, &header, payload))
        };
        let mut frames = vec![
            // The first fragment, the second, the last.
            with(0x2000, &payload, None),
            with(0x2001, &payload, None),
            with(0x00b9, &payload, None),
        ];
        if has_ports {
            // Without ports, with half of them, and with bytes that the header says are not there.
            frames.push(with(0, &payload[..0], None));
            frames.push(with(0, &payload[..3], None));
            frames.push(with(0, &payload, Some(22)));
        }
        return frames;
    }
    let with = |first: u8, extensions: &[u8], payload: &[u8]| {
        ethernet(packet, &ipv6(packet, first, extensions, payload))
    };
    let mut endless = Vec::new();
    for _ in 0..8 {
        endless.extend(extension(60, 0, port));
    }
    endless.extend(extension(protocol, 0, port));
    let mut frames = vec![
        with(44, &[protocol, 0, 0, 1, 0, 0, 0, 1], &payload),
        with(44, &[protocol, 0, 5, 0xc8, 0, 0, 0, 1], &payload),
        with(60, &endless, &payload),
        // A header that says it is longer than the packet.
        with(60, &extension(protocol, 9, port), &payload),
    ];
    if has_ports {
        frames.push(with(protocol, &[], &payload[..0]));
        frames.push(with(protocol, &[], &payload[..3]));
    }
    frames
}

/// Frames without an IP header.
pub(crate) fn malformed(packet: &Packet) -> Vec<String> {
    let (protocol, payload) = carried(packet);
    if packet.source.is_ipv6() {
        let mut bytes = ipv6(packet, protocol, &[], &payload);
        bytes[0] = 0x40;
        return vec![ethernet(packet, &bytes)];
    }
    let with = |first: Option<u8>, length: Option<u16>| {
        let header = Header4 {
            options: Vec::new(),
            fragment: 0,
            protocol,
            first,
            length,
        };
        ethernet(packet, &ipv4(packet, &header, &payload))
    };
    vec![
        // Four words are fewer than the header has; another version; shorter than its header.
        with(Some(0x44), None),
        with(Some(0x65), None),
        with(None, Some(19)),
    ]
}
