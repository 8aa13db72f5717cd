//! Packets that are sent, and whether they arrive.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by tests and benches, each of which uses a part"
)]

use crate::topology::Topology;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeSet;
use std::io::Read;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A connection is opened, and the other side accepts it.
    Tcp,
    /// A datagram is sent, and answered.
    Udp,
    /// A datagram that takes three packets.
    Fragments,
    /// An SCTP INIT, made by hand.
    Sctp,
    /// An ICMP or ICMPv6 echo request.
    Icmp,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The namespace it starts in.
    pub from: String,
    /// With which address.
    pub source: IpAddr,
    /// To which one.
    pub destination: IpAddr,
    /// What.
    pub kind: Kind,
    /// The destination port; 0 for ICMP.
    pub port: u16,
}

/// How long packets may take: everything happens on this machine.
const WAIT: Duration = Duration::from_millis(300);
/// Longer than three packets can be short of.
const LONG: usize = 3000;
static NEXT: AtomicU16 = AtomicU16::new(20_000);

/// A number for a packet, so that no two are taken for each other.
fn fresh() -> u16 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What listens in a namespace.
pub struct Listener {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    raw: Vec<(Kind, bool, Socket)>,
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

/// A raw socket for one IP protocol.
fn raw(domain: Domain, protocol: i32) -> Result<Socket, String> {
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(protocol))).map_err(text)?;
    socket.set_nonblocking(true).map_err(text)?;
    let _ = socket.set_recv_buffer_size(1 << 20);
    Ok(socket)
}

/// Listens on ports of all kinds, in this thread's namespace. Datagrams are taken at each address
/// by itself, so that they are answered from where they were sent to.
pub fn listen(addresses: &[IpAddr], ports: &[u16]) -> Result<Listener, String> {
    let mut listener = Listener {
        tcp: Vec::new(),
        udp: Vec::new(),
        raw: Vec::new(),
    };
    for &port in ports {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let tcp = TcpListener::bind(any).map_err(text)?;
        tcp.set_nonblocking(true).map_err(text)?;
        listener.tcp.push(tcp);
        for &address in addresses {
            let udp = UdpSocket::bind((address, port)).map_err(text)?;
            udp.set_nonblocking(true).map_err(text)?;
            listener.udp.push(udp);
        }
    }
    for (domain, protocol, kind) in [
        (Domain::IPV4, 132, Kind::Sctp),
        (Domain::IPV6, 132, Kind::Sctp),
        (Domain::IPV4, 1, Kind::Icmp),
        (Domain::IPV6, 58, Kind::Icmp),
    ] {
        listener
            .raw
            .push((kind, domain == Domain::IPV6, raw(domain, protocol)?));
    }
    Ok(listener)
}

impl Listener {
    /// Takes what has come, answers datagrams, and returns the numbers of what it took.
    pub fn take(&mut self) -> BTreeSet<u16> {
        let mut found = BTreeSet::new();
        let mut buffer = [0u8; 4096];
        for tcp in &self.tcp {
            // Accepted and closed: whoever connected has noticed already.
            while tcp.accept().is_ok() {}
        }
        for udp in &self.udp {
            while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                if let Some([a, b]) = buffer.get(..2).filter(|_| length >= 2) {
                    found.insert(u16::from_be_bytes([*a, *b]));
                    let _ = udp.send_to(&[*a, *b], from);
                }
            }
        }
        for (kind, v6, socket) in &mut self.raw {
            while let Ok(length) = socket.read(&mut buffer) {
                let packet = buffer.get(..length).unwrap_or_default();
                found.extend(raw_number(*kind, *v6, packet));
            }
        }
        found
    }
}

/// The number in a packet that was made here. IPv4's raw sockets read the IP header too.
fn raw_number(kind: Kind, v6: bool, packet: &[u8]) -> Option<u16> {
    let payload = if v6 { packet } else { packet.get(20..)? };
    match kind {
        // The source port.
        Kind::Sctp => Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?])),
        // Requests only; the identifier.
        Kind::Icmp if matches!(payload.first()?, 8 | 128) => {
            Some(u16::from_be_bytes([*payload.get(4)?, *payload.get(5)?]))
        }
        _ => None,
    }
}

/// CRC32c, as SCTP checks it.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0x82f6_3b78
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

fn internet_checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

/// An SCTP packet with an INIT chunk, from a port that is its number.
fn sctp_init(number: u16, port: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    packet.extend(number.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend([0; 8]);
    packet.extend([1, 0, 0, 20]);
    packet.extend(u32::from(number).to_be_bytes());
    packet.extend(65_536u32.to_be_bytes());
    packet.extend([0, 10, 0, 10, 0, 0, 0, 1]);
    let crc = crc32c(&packet).to_le_bytes();
    packet[8..12].copy_from_slice(&crc);
    packet
}

fn echo_request(number: u16, v6: bool) -> Vec<u8> {
    let mut packet = vec![if v6 { 128 } else { 8 }, 0, 0, 0];
    packet.extend(number.to_be_bytes());
    packet.extend([0, 1]);
    if !v6 {
        let sum = internet_checksum(&packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
    }
    packet
}

/// What was sent and is waited for.
enum Sent {
    Connecting(Socket),
    Datagram(UdpSocket),
    Raw,
}

fn send(probe: &Probe, number: u16) -> Result<Sent, String> {
    let domain = Domain::for_address((probe.source, 0).into());
    let target = SocketAddr::from((probe.destination, probe.port));
    match probe.kind {
        Kind::Tcp => {
            let socket = Socket::new(domain, Type::STREAM, None).map_err(text)?;
            socket
                .bind(&SocketAddr::from((probe.source, 0)).into())
                .map_err(text)?;
            socket.set_nonblocking(true).map_err(text)?;
            let _ = socket.connect(&target.into());
            Ok(Sent::Connecting(socket))
        }
        Kind::Udp | Kind::Fragments => {
            let socket = UdpSocket::bind((probe.source, 0)).map_err(text)?;
            socket.set_nonblocking(true).map_err(text)?;
            let length = if probe.kind == Kind::Udp { 2 } else { LONG };
            let mut data = vec![0; length];
            data[..2].copy_from_slice(&number.to_be_bytes());
            let _ = socket.send_to(&data, target);
            Ok(Sent::Datagram(socket))
        }
        Kind::Sctp | Kind::Icmp => {
            let v6 = probe.source.is_ipv6();
            let (protocol, packet) = match (probe.kind, v6) {
                (Kind::Sctp, _) => (132, sctp_init(number, probe.port)),
                (_, false) => (1, echo_request(number, false)),
                (_, true) => (58, echo_request(number, true)),
            };
            let socket = raw(domain, protocol)?;
            socket
                .bind(&SocketAddr::from((probe.source, 0)).into())
                .map_err(text)?;
            let target = SocketAddr::from((probe.destination, 0));
            let _ = socket.send_to(&packet, &target.into());
            Ok(Sent::Raw)
        }
    }
}

/// Makes all attempts at once, and says of each whether it arrived. Fails when an answer to what
/// arrived does not come back: replies are always let through.
pub fn try_all(
    topology: &Topology,
    listeners: &mut [Listener],
    probes: &[Probe],
) -> Result<Vec<bool>, String> {
    let names: BTreeSet<&str> = probes.iter().map(|probe| probe.from.as_str()).collect();
    let numbered: Vec<(usize, u16, &Probe)> = probes
        .iter()
        .enumerate()
        .map(|(index, probe)| (index, fresh(), probe))
        .collect();
    let mut sent: Vec<(usize, u16, Sent)> = std::thread::scope(|scope| {
        let threads: Vec<_> = names
            .iter()
            .map(|name| {
                let mine: Vec<_> = numbered
                    .iter()
                    .filter(|(_, _, p)| p.from == **name)
                    .collect();
                scope.spawn(move || -> Result<Vec<(usize, u16, Sent)>, String> {
                    topology.enter(name)?;
                    mine.into_iter()
                        .map(|(index, number, probe)| {
                            let sent =
                                send(probe, *number).map_err(|e| format!("{probe:?}: {e}"))?;
                            Ok((*index, *number, sent))
                        })
                        .collect()
                })
            })
            .collect();
        let all = threads.into_iter().map(|thread| thread.join().unwrap());
        all.collect::<Result<Vec<_>, String>>()
            .map(|lists| lists.into_iter().flatten().collect())
    })?;
    std::thread::sleep(WAIT);
    let mut arrived = BTreeSet::new();
    for listener in listeners.iter_mut() {
        arrived.extend(listener.take());
    }
    // Answers to datagrams.
    std::thread::sleep(WAIT / 3);
    let mut results = vec![false; probes.len()];
    for (index, number, sent) in &mut sent {
        let result = match sent {
            Sent::Connecting(socket) => {
                socket.take_error().ok().flatten().is_none() && socket.peer_addr().is_ok()
            }
            Sent::Raw => arrived.contains(number),
            Sent::Datagram(socket) => {
                let answered = socket.recv(&mut [0; 8]).is_ok();
                if answered != arrived.contains(number) {
                    return Err(format!(
                        "arrived and not answered: {:?}",
                        probes.get(*index)
                    ));
                }
                answered
            }
        };
        if let Some(slot) = results.get_mut(*index) {
            *slot = result;
        }
    }
    Ok(results)
}
