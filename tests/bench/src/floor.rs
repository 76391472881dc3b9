//! The floor of what needs the domain controller: the same questions, put one after another on a
//! warm connection by a program that does nothing else. It runs in a container beside the others.

#![forbid(unsafe_code)]

use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapDerefAliases, LdapFilter, LdapMsg, LdapOp, LdapResultCode,
    LdapSearchRequest, LdapSearchScope,
};
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use scenarios::dc;
use scenarios::outcome::{Check, Failure, ensure};
use std::fmt::Display;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;
use tokio_util::codec::{Decoder, Encoder};

/// Where the domain's CA is in every container.
pub const CA_FILE: &str = "/etc/peers/ca.pem";
const BASE: &str = "DC=corp,DC=example";
/// What the product reads of a user.
const OF_USER: &[&str] =
    &["sAMAccountName", "objectSid", "primaryGroupID", "displayName", "userAccountControl"];

/// `bench floor KIND NAME...`: prints nanoseconds, one sample a name.
///
/// # Errors
/// When the domain controller does not answer as it should.
pub fn run(kind: &str, names: &[String]) -> Check {
    let mut service = Client::connect()?;
    ensure(service.bind("svc-linux@corp.example", dc::SERVICE_PASSWORD)?, || {
        "no service account".to_owned()
    })?;
    let mut person = Client::connect()?;
    // The first word on a connection is not yet warm.
    service.user("alice")?;
    ensure(person.bind("alice@corp.example", dc::PASSWORD)?, || "alice is refused".to_owned())?;
    for name in names {
        if kind == "login" {
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        let start = Instant::now();
        match kind {
            "search" => drop(service.user(name)?),
            "groups" => {
                let dn = service.user(name)?;
                service.token_groups(&dn)?;
            }
            "login" => {
                let dn = service.user(name)?;
                ensure(person.bind(&dn, dc::PASSWORD)?, || format!("{name} is refused"))?;
            }
            _ => return Err(Failure::new(format!("the floor has no {kind}"))),
        }
        println!("{}", start.elapsed().as_nanos());
    }
    Ok(())
}

struct Client {
    stream: SslStream<TcpStream>,
    codec: LdapCodec,
    received: BytesMut,
    last_id: i32,
}

fn failed(error: impl Display) -> Failure {
    Failure::new(format!("the floor's own connection failed: {error}"))
}

impl Client {
    fn connect() -> Check<Self> {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
        connector.set_ca_file(CA_FILE).map_err(failed)?;
        let tcp = TcpStream::connect((dc::NAME, 636)).map_err(failed)?;
        tcp.set_nodelay(true).map_err(failed)?;
        let stream = connector.build().connect(dc::NAME, tcp).map_err(failed)?;
        Ok(Self { stream, codec: LdapCodec::default(), received: BytesMut::new(), last_id: 0 })
    }

    fn bind(&mut self, dn: &str, password: &str) -> Check<bool> {
        let cred = LdapBindCred::Simple(password.to_owned());
        let request = LdapBindRequest { version: 3, dn: dn.to_owned(), cred };
        self.send(LdapOp::BindRequest(request))?;
        match self.next()? {
            LdapOp::BindResponse(response) => Ok(response.res.code == LdapResultCode::Success),
            other => Err(failed(format!("a bind was answered by {other:?}"))),
        }
    }

    /// The DN of the user of this name.
    fn user(&mut self, name: &str) -> Check<String> {
        let is =
            |attribute: &str, value: &str| LdapFilter::Equality(attribute.into(), value.into());
        let filter =
            LdapFilter::And(vec![is("sAMAccountName", name), is("sAMAccountType", "805306368")]);
        self.search(BASE, LdapSearchScope::Subtree, filter, OF_USER)
    }

    fn token_groups(&mut self, dn: &str) -> Check<String> {
        let any = LdapFilter::Present("objectClass".to_owned());
        self.search(dn, LdapSearchScope::Base, any, &["tokenGroups"])
    }

    fn search(
        &mut self,
        base: &str,
        scope: LdapSearchScope,
        filter: LdapFilter,
        attributes: &[&str],
    ) -> Check<String> {
        self.send(LdapOp::SearchRequest(LdapSearchRequest {
            base: base.to_owned(),
            scope,
            aliases: LdapDerefAliases::Never,
            sizelimit: 0,
            timelimit: 0,
            typesonly: false,
            filter,
            attrs: attributes.iter().map(|name| (*name).to_owned()).collect(),
        }))?;
        let mut found = None;
        loop {
            match self.next()? {
                LdapOp::SearchResultEntry(entry) => found = Some(entry.dn),
                LdapOp::SearchResultDone(_) => {
                    return found.ok_or_else(|| failed("nothing was found"));
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, op: LdapOp) -> Check {
        self.last_id += 1;
        let mut message = BytesMut::new();
        self.codec.encode(LdapMsg::new(self.last_id, op), &mut message).map_err(failed)?;
        self.stream.write_all(&message).map_err(failed)
    }

    fn next(&mut self) -> Check<LdapOp> {
        let mut part = [0; 16 * 1024];
        loop {
            if let Some(message) = self.codec.decode(&mut self.received).map_err(failed)? {
                return Ok(message.op);
            }
            let read = self.stream.read(&mut part).map_err(failed)?;
            ensure(read > 0, || "the domain controller closed the floor's connection".to_owned())?;
            self.received.extend_from_slice(part.get(..read).unwrap_or_default());
        }
    }
}
