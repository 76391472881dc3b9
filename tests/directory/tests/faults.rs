//! Faults on demand do what they say, and the server is well again afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use ldap3_proto::proto::LdapResultCode::{Success, Unavailable};
use ldap3_proto::proto::LdapSearchScope::Base;
use ldap3_proto::proto::{LdapModifyType, LdapOp};
use support::{BASE, Client};
use test_directory::{Directory, Fault, On, Options, TestDirectory, USER_PASSWORD};

const ALL: &str = "(objectClass=*)";

#[test]
fn silence_answers_nothing_and_ends_when_it_is_over() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    server.fault(Fault::Silence);
    client.patience(150);
    client.send_search(BASE, Base, ALL, &["dc"], vec![]);
    assert!(matches!(
        client.receive().unwrap_err().kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    server.fault(Fault::None);
    client.patience(5000);
    assert_eq!(client.read(BASE, &["dc"]).entries.len(), 1);
}

#[test]
fn silence_before_tls_accepts_and_says_nothing_while_old_connections_live() {
    let server = TestDirectory::corp_example().unwrap();
    let mut old = Client::service(&server);
    server.fault(Fault::SilenceBeforeTls);
    let mut tcp = std::net::TcpStream::connect(server.address()).unwrap();
    tcp.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
    std::io::Write::write_all(&mut tcp, &[0x16, 3, 1, 0, 1, 0]).unwrap();
    let silent = std::io::Read::read(&mut tcp, &mut [0; 10]).unwrap_err();
    assert!(matches!(silent.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert_eq!(old.read(BASE, &["dc"]).entries.len(), 1);
}

#[test]
fn a_delay_holds_each_answer_back_but_not_one_behind_the_other() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    server.fault(Fault::Delay(200));
    let start = Instant::now();
    let ids: Vec<i32> =
        (0..10).map(|_| client.send_search(BASE, Base, ALL, &["dc"], vec![])).collect();
    for id in ids {
        assert_eq!(client.collect(id).unwrap().entries.len(), 1);
    }
    let taken = start.elapsed();
    assert!(
        taken >= Duration::from_millis(200) && taken < Duration::from_millis(1500),
        "{taken:?}"
    );
}

#[test]
fn a_cut_comes_after_exactly_so_many_bytes() {
    let server = TestDirectory::corp_example().unwrap();
    for allowed in [0, 1, 17, 300] {
        server.fault(Fault::None);
        let mut client = Client::service(&server);
        server.fault(Fault::CutAfter(allowed));
        let mut received = 0;
        // One request at a time: a request on its way to a closed socket would take the last bytes with it.
        while received < allowed {
            client.send_search(BASE, Base, ALL, &["dc"], vec![]);
            received += client.receive_raw().unwrap().len();
        }
        assert_eq!(received, allowed);
        if allowed == 0 {
            client.send_search(BASE, Base, ALL, &["dc"], vec![]);
        }
        assert!(
            !matches!(client.receive_raw(), Ok(bytes) if !bytes.is_empty()),
            "more than {allowed} bytes"
        );
    }
}

#[test]
fn garbage_huge_lengths_and_deep_nesting_are_what_a_hostile_server_sends() {
    let server = TestDirectory::corp_example().unwrap();
    let answer = |fault| {
        server.fault(Fault::None);
        let mut client = Client::service(&server);
        server.fault(fault);
        client.patience(300);
        client.send_search(BASE, Base, ALL, &["dc"], vec![]);
        let mut all = Vec::new();
        while let Ok(bytes) = client.receive_raw() {
            all.extend(bytes);
        }
        all
    };
    assert_ne!(answer(Fault::Garbage)[0], 0x30);
    assert_eq!(answer(Fault::HugeLength)[..6], [0x30, 0x84, 0x40, 0, 0, 0]);
    assert_eq!(answer(Fault::DeepNesting(100_000)).len(), 600_000);
}

#[test]
fn a_drip_is_a_byte_a_second() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    server.fault(Fault::DripOneBytePerSecond);
    client.send_search(BASE, Base, ALL, &["dc"], vec![]);
    let start = Instant::now();
    assert_eq!(client.receive_raw().unwrap(), [0x30]);
    assert_eq!(client.receive_raw().unwrap(), [0x84]);
    assert!(start.elapsed() > Duration::from_millis(900));
}

#[test]
fn the_notice_of_disconnection_is_ads_and_the_connection_ends() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    server.fault_times(On::Everything, Fault::NoticeOfDisconnection, 1);
    client.send_search(BASE, Base, ALL, &["dc"], vec![]);
    let notice = client.receive().unwrap();
    assert_eq!(notice.msgid, 0);
    assert!(
        matches!(notice.op, LdapOp::ExtendedResponse(response) if response.res.code == Unavailable)
    );
    assert!(client.receive().is_err());
    assert_eq!(Client::service(&server).read(BASE, &["dc"]).entries.len(), 1);
}

#[test]
fn a_fault_can_strike_one_kind_of_request_alone() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    client.patience(150);
    server.fault_on(On::Modifies, Fault::Silence);
    assert_eq!(client.bind("alice@corp.example", USER_PASSWORD).code, Success);
    assert_eq!(client.read(BASE, &["dc"]).entries.len(), 1);
    server.fault_on(On::SearchesBelowRoot, Fault::Silence);
    let dn = "CN=Bob Baker,OU=People,DC=corp,DC=example";
    let change = [(LdapModifyType::Delete, USER_PASSWORD), (LdapModifyType::Add, "Much.Better.77")];
    assert_eq!(client.modify_password(dn, &change).code, Success);
    assert_eq!(client.read("", &["dnsHostName"]).entries.len(), 1);
    client.send_search(BASE, Base, ALL, &["dc"], vec![]);
    assert!(client.receive().is_err());
}

#[test]
fn what_is_no_ldap_ends_the_connection_with_a_notice_and_not_the_server() {
    let server = TestDirectory::corp_example().unwrap();
    let mut nested = vec![0x30, 0x82, 0x7F, 0xFF];
    nested.extend([0x30, 0x80].repeat(5000));
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0x30, 0x03, 0x02, 0x01, 0x01],
        vec![0xFF; 100],
        nested,
    ] {
        let mut client = Client::service(&server);
        client.patience(500);
        client.raw(&bytes);
        match client.receive() {
            Ok(notice) => assert_eq!(notice.msgid, 0, "{bytes:?}"),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock), "{error:?} after {bytes:?}")
            }
        }
        assert_eq!(Client::service(&server).read(BASE, &["dc"]).entries.len(), 1);
    }
}

#[test]
fn dropped_connections_end_and_new_ones_are_taken() {
    let server = TestDirectory::corp_example().unwrap();
    let mut client = Client::service(&server);
    assert_eq!((server.open_connections(), server.connections()), (1, 1));
    server.drop_connections();
    assert!(client.receive().is_err());
    Client::service(&server);
    assert_eq!(server.connections(), 2);
}

#[test]
fn an_idle_client_is_dropped() {
    let options = Options { idle_limit: Duration::from_millis(300), ..Options::default() };
    let server = TestDirectory::start(Directory::corp_example(), options).unwrap();
    let mut client = Client::service(&server);
    let start = Instant::now();
    assert_eq!(client.receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert!(start.elapsed() >= Duration::from_millis(290));
}

#[test]
fn two_servers_of_one_domain_have_one_ca_and_their_own_names_and_numbers() {
    let first = TestDirectory::corp_example().unwrap();
    let mut data = Directory::corp_example();
    data.set_host("dc2.corp.example", 500_000);
    let options = Options { pki: Some(first.pki().clone()), ..Options::default() };
    let second = TestDirectory::start(data, options).unwrap();
    assert_eq!((first.url_host(), second.url_host()), ("dc1.corp.example", "dc2.corp.example"));
    let identity = |server| {
        let mut client = Client::service(server);
        let root = client.read("", &["dnsHostName", "dsServiceName", "highestCommittedUSN"]);
        let service = root.one().text("dsServiceName")[0].clone();
        let invocation =
            client.read(&service, &["invocationId"]).one().attributes["invocationId"].clone();
        (root.one().text("dnsHostName"), root.one().text("highestCommittedUSN"), invocation)
    };
    let (one, two) = (identity(&first), identity(&second));
    assert!(one.0 != two.0 && one.1 != two.1 && one.2 != two.2, "{one:?} {two:?}");
}

#[test]
fn a_stopped_server_frees_its_port() {
    let mut server = TestDirectory::corp_example().unwrap();
    let address = server.address();
    let mut client = Client::service(&server);
    server.stop();
    assert!(client.receive().is_err());
    assert!(std::net::TcpStream::connect(address).is_err());
}
