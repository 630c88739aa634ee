use std::io::ErrorKind;
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use super::*;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What takes longer does not come.
const SOON: Duration = Duration::from_secs(10);

async fn soon<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, coming).await.expect("it comes soon")
}

/// A link behind which everything is echoed.
fn echo() -> (SocketAddr, LinkControl, tokio::task::JoinHandle<()>) {
    let link = Link::bind(LOCALHOST).unwrap();
    let (address, control) = (link.address(), link.control());
    let serving = tokio::spawn(link.serve(|io| async move {
        let (mut from, mut to) = tokio::io::split(io);
        let _ = tokio::io::copy(&mut from, &mut to).await;
        let _ = to.shutdown().await;
    }));
    (address, control, serving)
}

async fn round_trip(client: &mut TcpStream) -> std_io::Result<()> {
    client.write_all(b"ping").await?;
    let mut reply = [0; 4];
    soon(client.read_exact(&mut reply)).await?;
    assert_eq!(&reply, b"ping");
    Ok(())
}

/// A connection over a link, from both sides.
async fn both_sides() -> (LinkControl, TcpStream, Io, tokio::task::JoinHandle<()>) {
    let link = Link::bind(LOCALHOST).unwrap();
    let (address, control) = (link.address(), link.control());
    let (sender, mut accepted) = tokio::sync::mpsc::unbounded_channel();
    let serving = tokio::spawn(link.serve(move |io| {
        let _ = sender.send(io);
        std::future::ready(())
    }));
    let client = TcpStream::connect(address).await.unwrap();
    (control, client, soon(accepted.recv()).await.unwrap(), serving)
}

#[tokio::test]
async fn what_is_written_to_nobody_is_known_to_be() {
    use mock_idp::fault::Connection as _;
    type Break = fn(&LinkControl, TcpStream);
    let breaks: [(&str, Break); 3] = [
        ("reset", |control, _| control.reset()),
        ("stranded", |control, _| control.strand()),
        ("left", |_, client| drop(client)),
    ];
    for (how, break_it) in breaks {
        let (control, client, io, _serving) = both_sides().await;
        let is_cut = io.is_cut().expect("a link knows");
        assert!(!is_cut(), "{how}: not yet");
        break_it(&control, client);
        assert!(is_cut(), "{how}");
    }
    let (control, _client, io, _serving) = both_sides().await;
    control.blackhole(true);
    assert!(!io.is_cut().expect("a link knows")(), "bytes wait for the healing");
}

#[tokio::test]
async fn a_link_that_carries_nothing_knows_whether_anything_was_sent() {
    let breaks: [fn(&LinkControl); 2] = [|control| control.blackhole(true), LinkControl::strand];
    for break_it in breaks {
        let (control, mut client, mut io, _serving) = both_sides().await;
        client.write_all(b"before").await.unwrap();
        assert!(!control.withholds(), "it carries what it is given");
        soon(io.read_exact(&mut [0; 6])).await.unwrap();
        break_it(&control);
        assert!(!control.withholds(), "all of it was carried");
        client.write_all(b"meanwhile").await.unwrap();
        assert!(control.withholds());
    }
}

#[tokio::test]
async fn a_refusing_link_refuses_keeps_its_port_and_recovers() {
    let (address, control, _serving) = echo();
    let mut before = TcpStream::connect(address).await.unwrap();
    round_trip(&mut before).await.unwrap();
    // One that the server closed orderly stays in TIME_WAIT on the port.
    let mut closed = TcpStream::connect(address).await.unwrap();
    closed.shutdown().await.unwrap();
    assert_eq!(soon(closed.read(&mut [0])).await.unwrap(), 0);

    control.refuse();
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(soon(before.read(&mut [0])).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let thief = TcpSocket::new_v4().unwrap();
    assert_eq!(thief.bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
    control.refuse();

    control.restore().unwrap();
    round_trip(&mut TcpStream::connect(address).await.unwrap()).await.unwrap();
    control.restore().unwrap();
    round_trip(&mut TcpStream::connect(address).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_reset_reaches_open_connections_and_the_server_behind_them() {
    let mut link = Link::bind(LOCALHOST).unwrap();
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    let mut served = soon(link.accept()).await.unwrap();
    let reading = tokio::spawn(async move { served.read(&mut [0]).await });
    // The reader is parked before the reset, else it proves nothing about being woken.
    tokio::task::yield_now().await;

    link.control().reset();
    assert_eq!(soon(client.read(&mut [0])).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(soon(reading).await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);

    let mut next = TcpStream::connect(link.address()).await.unwrap();
    let mut served = soon(link.accept()).await.unwrap();
    next.write_all(b"x").await.unwrap();
    assert_eq!(soon(served.read_u8()).await.unwrap(), b'x');
}

#[tokio::test]
async fn a_reset_reaches_a_connection_that_nobody_accepted_yet() {
    let link = Link::bind(LOCALHOST).unwrap();
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    link.control().reset();
    assert_eq!(soon(client.read(&mut [0])).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_server_can_reset_a_connection_itself() {
    let mut link = Link::bind(LOCALHOST).unwrap();
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    let mut served = soon(link.accept()).await.unwrap();
    mock_idp::fault::Connection::reset(&mut served);
    drop(served);
    assert_eq!(soon(client.read(&mut [0])).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn what_ends_by_itself_ends_without_a_reset() {
    let (address, _control, _serving) = echo();
    let mut client = TcpStream::connect(address).await.unwrap();
    round_trip(&mut client).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn latency_delays_open_connections_and_goes_again() {
    const LATENCY: Duration = Duration::from_millis(50);
    let (address, control, _serving) = echo();
    let mut client = TcpStream::connect(address).await.unwrap();
    round_trip(&mut client).await.unwrap();

    // The connection is parked in an undelayed read when the latency comes.
    control.latency(LATENCY);
    let begun = Instant::now();
    round_trip(&mut client).await.unwrap();
    round_trip(&mut client).await.unwrap();
    assert!(begun.elapsed() >= 2 * LATENCY, "{:?}", begun.elapsed());

    // Were an hour still to pass, nothing would come soon.
    control.latency(Duration::from_secs(3600));
    control.latency(Duration::ZERO);
    round_trip(&mut client).await.unwrap();
    control.latency(LATENCY);
    client.shutdown().await.unwrap();
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);
}

/// Some round trips over another link: what could arrive meanwhile has.
async fn a_while() {
    let (address, _control, _serving) = echo();
    let mut client = TcpStream::connect(address).await.unwrap();
    for _ in 0..3 {
        round_trip(&mut client).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_passes_a_black_hole_until_it_is_gone() {
    let (address, control, _serving) = echo();
    let mut before = TcpStream::connect(address).await.unwrap();
    round_trip(&mut before).await.unwrap();
    control.blackhole(true);
    let mut after = TcpStream::connect(address).await.unwrap();
    for client in [&mut before, &mut after] {
        client.write_all(b"ping").await.unwrap();
        tokio::select! {
            read = client.read_u8() => panic!("{read:?} came back"),
            () = a_while() => {}
        }
    }
    control.blackhole(false);
    for client in [&mut before, &mut after] {
        let mut reply = [0; 4];
        soon(client.read_exact(&mut reply)).await.unwrap();
        assert_eq!(&reply, b"ping", "what was sent meanwhile arrives");
    }
}

#[tokio::test]
async fn a_reply_does_not_leave_a_black_hole_either() {
    let mut link = Link::bind(LOCALHOST).unwrap();
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    let mut served = soon(link.accept()).await.unwrap();
    link.control().blackhole(true);
    tokio::select! {
        written = served.write_all(b"x") => panic!("{written:?}"),
        () = a_while() => {}
    }
    let writing = tokio::spawn(async move { served.write_all(b"x").await });
    tokio::task::yield_now().await;
    link.control().blackhole(false);
    assert_eq!(soon(client.read_u8()).await.unwrap(), b'x');
    soon(writing).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stranded_connection_carries_nothing_and_a_new_one_does() {
    let (address, control, _serving) = echo();
    let mut stranded = TcpStream::connect(address).await.unwrap();
    round_trip(&mut stranded).await.unwrap();
    control.strand();
    stranded.write_all(b"ping").await.unwrap();
    let mut fresh = TcpStream::connect(address).await.unwrap();
    round_trip(&mut fresh).await.unwrap();
    tokio::select! {
        read = stranded.read_u8() => panic!("{read:?} came back"),
        () = a_while() => {}
    }
    control.reset_stranded();
    assert_eq!(soon(stranded.read(&mut [0])).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    round_trip(&mut fresh).await.unwrap();
}

#[tokio::test]
async fn a_narrow_link_takes_its_time_both_ways() {
    // 3,000 bytes are three pieces of 50 ms each.
    const RATE: u32 = 20_000;
    let sent = vec![7; 3_000];
    let mut came = vec![0; sent.len()];
    let mut link = Link::bind(LOCALHOST).unwrap();
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    let mut served = soon(link.accept()).await.unwrap();
    link.control().bandwidth(NonZeroU32::new(RATE));

    let begun = Instant::now();
    client.write_all(&sent).await.unwrap();
    soon(served.read_exact(&mut came)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
    assert_eq!(came, sent);

    let begun = Instant::now();
    served.write_all(&sent).await.unwrap();
    soon(client.read_exact(&mut came)).await.unwrap();
    // The first piece waits for none.
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
    assert_eq!(came, sent);

    // At that rate it would take minutes.
    link.control().bandwidth(None);
    let many = vec![7; 4_000_000];
    let mut came = vec![0; many.len()];
    let (written, read) = tokio::join!(served.write_all(&many), soon(client.read_exact(&mut came)));
    written.unwrap();
    read.unwrap();
    assert!(came == many);
}

#[tokio::test]
async fn a_dropped_link_stops_listening_though_it_is_still_controlled() {
    let link = Link::bind(LOCALHOST).unwrap();
    let (address, control) = (link.address(), link.control());
    drop(link);
    control.restore().unwrap();
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
