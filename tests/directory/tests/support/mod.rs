//! A small blocking LDAPS client for the tests of the test directory: it verifies chain and name like any other.
#![allow(dead_code, reason = "each test file uses its part of the client")]

mod filter;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::BytesMut;
use ldap3_lber::structure::{PL, StructureTag};
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::*;
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use openssl::x509::X509;
use test_directory::{SERVICE_ACCOUNT, SERVICE_PASSWORD, TestDirectory};
use tokio_util::codec::Decoder;

pub use filter::filter;

pub const BASE: &str = "DC=corp,DC=example";

pub struct Client {
    tls: SslStream<TcpStream>,
    buffer: BytesMut,
    next_id: i32,
}

/// What a search brought.
#[derive(Debug)]
pub struct Found {
    pub entries: Vec<Entry>,
    pub references: Vec<String>,
    pub result: LdapResult,
    pub cookie: Option<Vec<u8>>,
}

#[derive(Debug)]
pub struct Entry {
    pub dn: String,
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    pub fn text(&self, name: &str) -> Vec<String> {
        let values = self.attributes.get(name).into_iter().flatten();
        values.map(|value| String::from_utf8(value.clone()).unwrap()).collect()
    }
}

impl Found {
    pub fn names(&self) -> Vec<String> {
        self.entries.iter().flat_map(|entry| entry.text("sAMAccountName")).collect()
    }

    /// The one entry there is to be.
    pub fn one(&self) -> &Entry {
        assert_eq!(self.entries.len(), 1, "{self:?}");
        &self.entries[0]
    }
}

impl Client {
    pub fn connect(server: &TestDirectory) -> Self {
        Self::try_connect(server, server.url_host()).unwrap()
    }

    pub fn try_connect(server: &TestDirectory, host: &str) -> Result<Self, String> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        let ca = X509::from_pem(&server.ca_pem().unwrap()).unwrap();
        builder.cert_store_mut().add_cert(ca).unwrap();
        let tcp = TcpStream::connect(server.address()).map_err(|error| error.to_string())?;
        tcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let tls = builder.build().connect(host, tcp).map_err(|error| error.to_string())?;
        Ok(Self { tls, buffer: BytesMut::new(), next_id: 0 })
    }

    /// Connected and bound as the service account.
    pub fn service(server: &TestDirectory) -> Self {
        let mut client = Self::connect(server);
        assert_eq!(client.bind(SERVICE_ACCOUNT, SERVICE_PASSWORD).code, LdapResultCode::Success);
        client
    }

    pub fn patience(&mut self, milliseconds: u64) {
        self.tls.get_ref().set_read_timeout(Some(Duration::from_millis(milliseconds))).unwrap();
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.tls.write_all(bytes).unwrap();
    }

    pub fn send(
        &mut self,
        op: LdapOp,
        ctrl: Vec<LdapControl>,
        filter: Option<StructureTag>,
    ) -> i32 {
        self.next_id += 1;
        let mut tag = StructureTag::from(LdapMsg { msgid: self.next_id, op, ctrl });
        if let (Some(filter), PL::C(fields)) = (filter, &mut tag.payload) {
            let PL::C(search) = &mut fields[1].payload else {
                panic!("a search request is constructed")
            };
            search[6] = filter;
        }
        let mut bytes = BytesMut::new();
        ldap3_lber::write::encode_into(&mut bytes, tag).unwrap();
        self.raw(&bytes);
        self.next_id
    }

    pub fn receive(&mut self) -> io::Result<LdapMsg> {
        let mut codec = LdapCodec::new(Some(16 << 20), None);
        loop {
            if let Some(message) = codec.decode(&mut self.buffer)? {
                return Ok(message);
            }
            let mut chunk = [0; 16_384];
            match self.tls.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.buffer.extend_from_slice(&chunk[..length]),
            }
        }
    }

    /// The next bytes, undecoded.
    pub fn receive_raw(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = vec![0; 1 << 20];
        let length = self.tls.read(&mut chunk)?;
        chunk.truncate(length);
        Ok(chunk)
    }

    pub fn try_bind(&mut self, dn: &str, password: &str) -> io::Result<LdapResult> {
        let cred = LdapBindCred::Simple(password.to_owned());
        self.send(
            LdapOp::BindRequest(LdapBindRequest { version: 3, dn: dn.to_owned(), cred }),
            vec![],
            None,
        );
        match self.receive()?.op {
            LdapOp::BindResponse(response) => Ok(response.res),
            other => panic!("no bind response: {other:?}"),
        }
    }

    pub fn bind(&mut self, dn: &str, password: &str) -> LdapResult {
        self.try_bind(dn, password).unwrap()
    }

    pub fn who_am_i(&mut self) -> String {
        let request = LdapExtendedRequest { name: OID_WHOAMI.to_owned(), value: None };
        self.send(LdapOp::ExtendedRequest(request), vec![], None);
        match self.receive().unwrap().op {
            LdapOp::ExtendedResponse(response) => {
                String::from_utf8(response.value.unwrap_or_default()).unwrap()
            }
            other => panic!("no extended response: {other:?}"),
        }
    }

    pub fn search(
        &mut self,
        base: &str,
        scope: LdapSearchScope,
        text: &str,
        attributes: &[&str],
    ) -> Found {
        self.page(base, scope, text, attributes, vec![])
    }

    /// A subtree search from the top.
    pub fn find(&mut self, text: &str, attributes: &[&str]) -> Found {
        self.search(BASE, LdapSearchScope::Subtree, text, attributes)
    }

    pub fn read(&mut self, dn: &str, attributes: &[&str]) -> Found {
        self.search(dn, LdapSearchScope::Base, "(objectClass=*)", attributes)
    }

    pub fn page(
        &mut self,
        base: &str,
        scope: LdapSearchScope,
        text: &str,
        attributes: &[&str],
        controls: Vec<LdapControl>,
    ) -> Found {
        let id = self.send_search(base, scope, text, attributes, controls);
        self.collect(id).unwrap()
    }

    pub fn send_search(
        &mut self,
        base: &str,
        scope: LdapSearchScope,
        text: &str,
        attributes: &[&str],
        controls: Vec<LdapControl>,
    ) -> i32 {
        let request = LdapSearchRequest {
            base: base.to_owned(),
            scope,
            aliases: LdapDerefAliases::Never,
            sizelimit: 0,
            timelimit: 0,
            typesonly: false,
            filter: LdapFilter::Present("objectClass".to_owned()),
            attrs: attributes.iter().map(|name| (*name).to_owned()).collect(),
        };
        self.send(LdapOp::SearchRequest(request), controls, Some(filter(text)))
    }

    pub fn collect(&mut self, id: i32) -> io::Result<Found> {
        let (mut entries, mut references) = (Vec::new(), Vec::new());
        loop {
            let message = self.receive()?;
            assert_eq!(message.msgid, id, "an answer to another request");
            match message.op {
                LdapOp::SearchResultEntry(entry) => entries.push(Entry {
                    dn: entry.dn,
                    attributes: entry.attributes.into_iter().map(|a| (a.atype, a.vals)).collect(),
                }),
                LdapOp::SearchResultReference(reference) => references.extend(reference.uris),
                LdapOp::SearchResultDone(result) => {
                    let cookie = message.ctrl.into_iter().find_map(|control| match control {
                        LdapControl::SimplePagedResults { cookie, .. } => Some(cookie),
                        _ => None,
                    });
                    return Ok(Found { entries, references, result, cookie });
                }
                other => panic!("not of a search: {other:?}"),
            }
        }
    }

    /// A Modify with these operations on unicodePwd, each with one password, quoted and widened.
    pub fn modify_password(&mut self, dn: &str, changes: &[(LdapModifyType, &str)]) -> LdapResult {
        let widen =
            |text: &str| format!("\"{text}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let change = |(operation, password): &(LdapModifyType, &str)| LdapModify {
            operation: operation.clone(),
            modification: LdapPartialAttribute {
                atype: "unicodePwd".to_owned(),
                vals: vec![widen(password)],
            },
        };
        let changes = changes.iter().map(change).collect();
        self.modify(LdapModifyRequest { dn: dn.to_owned(), changes })
    }

    pub fn modify(&mut self, request: LdapModifyRequest) -> LdapResult {
        self.send(LdapOp::ModifyRequest(request), vec![], None);
        match self.receive().unwrap().op {
            LdapOp::ModifyResponse(result) => result,
            other => panic!("no modify response: {other:?}"),
        }
    }
}
