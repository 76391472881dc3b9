//! A running domain controller of corp.example.

#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::outcome::{Check, Failure};

/// The name in the good certificate, and the only name that DNS knows.
pub const NAME: &str = "dc1.corp.example";
/// The password of every user that the tests make.
pub const PASSWORD: &str = "Secret.123";
/// The password of the service account svc-linux@corp.example.
pub const SERVICE_PASSWORD: &str = "Service.Pass.1";

/// The certificates that the domain controller can be told to show (tests/containers/dc/certificates).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For dc1.corp.example, by the domain's own CA.
    Good,
    /// The same, out of date since 2021.
    Expired,
    /// By the domain's own CA, for other.corp.example.
    WrongName,
    /// For dc1.corp.example, by a CA that no host trusts.
    OtherCa,
}

impl Certificate {
    fn file(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Expired => "expired",
            Self::WrongName => "wrong-name",
            Self::OtherCa => "other-ca",
        }
    }
}

/// One domain controller, in its own container on its own network.
pub struct Dc<'engine> {
    engine: &'engine Engine,
    container: String,
    network: String,
}

impl<'engine> Dc<'engine> {
    /// Starts it, with a network where DNS knows it as dc1.corp.example, and waits for LDAPS.
    ///
    /// # Errors
    /// When it does not answer within half a minute.
    pub fn start(engine: &'engine Engine, image: &str, suffix: &str) -> Check<Self> {
        let container = engine.name(&format!("dc-{suffix}"));
        let network = engine.name(&format!("net-{suffix}"));
        let label = engine.label();
        engine.must(&["network", "create", "--label", &label, &network])?;
        engine.must(&[
            "run",
            "-d",
            "--name",
            &container,
            "--label",
            &label,
            "--hostname",
            "dc1",
            "--network",
            &network,
            "--network-alias",
            NAME,
            "--cap-add",
            "SYS_ADMIN",
            image,
        ])?;
        let dc = Self { engine, container, network };
        dc.run(&["/opt/dc/wait", "good"])?;
        Ok(dc)
    }

    /// The network on which DNS knows the domain controller.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.network
    }

    fn run(&self, command: &[&str]) -> Check<String> {
        let mut args = vec!["exec", self.container.as_str()];
        args.extend(command);
        self.engine.must(&args)
    }

    /// The domain's SID, as text.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn domain_sid(&self) -> Check<String> {
        let database = "/var/lib/samba/private/sam.ldb";
        let base = ["-s", "base", "-b", "DC=corp,DC=example", "objectSid"];
        let shown = self.run(&[&["ldbsearch", "-H", database][..], &base].concat())?;
        let sid = shown.lines().find_map(|line| line.strip_prefix("objectSid: "));
        sid.map(str::to_owned).ok_or_else(|| Failure::new("ldbsearch shows no SID of the domain"))
    }

    /// The domain's CA certificate, in PEM.
    ///
    /// # Errors
    /// When the container does not answer.
    pub fn ca(&self) -> Check<String> {
        self.run(&["cat", "/opt/tls/ca.pem"])
    }

    /// The certificate of a CA that signed nothing here, in PEM.
    ///
    /// # Errors
    /// When the container does not answer.
    pub fn stranger_ca(&self) -> Check<String> {
        self.run(&["cat", "/opt/tls/stranger.pem"])
    }

    /// Restarts the domain controller with this certificate.
    ///
    /// # Errors
    /// When LDAPS does not answer with it within half a minute.
    pub fn show(&self, certificate: Certificate) -> Check {
        self.run(&["/opt/dc/restart", certificate.file()]).map(drop)
    }

    /// How many binds were tried as this account (sAMAccountName) since the container started.
    ///
    /// # Errors
    /// When the audit log cannot be read.
    pub fn binds_for(&self, account: &str) -> Check<u32> {
        self.counted(&["python3", "/opt/dc/binds.py", account])
    }

    /// How many binds were tried as anybody but the service account.
    ///
    /// # Errors
    /// When the audit log cannot be read.
    pub fn binds_of_people(&self) -> Check<u32> {
        self.counted(&["python3", "/opt/dc/binds.py"])
    }

    fn counted(&self, command: &[&str]) -> Check<u32> {
        let text = self.run(command)?;
        text.parse()
            .map_err(|_| Failure::new(format!("binds.py printed '{text}', which is no number")))
    }

    /// What the right answers are, as closure.py computes them from the database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn closure(&self) -> Check<String> {
        self.run(&["python3", "/opt/dc/closure.py"])
    }

    /// Two wrong passwords for `locky`, whose lock-out threshold is two.
    ///
    /// # Errors
    /// When the container does not answer.
    pub fn lock_locky(&self) -> Check {
        self.run(&["/opt/dc/lock", "locky"]).map(drop)
    }

    /// Puts a user's password into a state: the arguments of tests/containers/dc/password.py.
    ///
    /// # Errors
    /// When the database cannot be changed.
    pub fn password(&self, user: &str, state: &[&str]) -> Check {
        let mut command = vec!["python3", "/opt/dc/password.py", user];
        command.extend(state);
        self.run(&command).map(drop)
    }

    /// How many changes of a user's password were made by who knew it, and how many resets.
    ///
    /// # Errors
    /// When the audit log cannot be read.
    pub fn changes_of(&self, user: &str) -> Check<(u32, u32)> {
        let text = self.run(&["python3", "/opt/dc/changes.py", user])?;
        let numbers = text.split_once(' ').map(|(a, b)| (a.parse(), b.parse()));
        match numbers {
            Some((Ok(changes), Ok(resets))) => Ok((changes, resets)),
            _ => Err(Failure::new(format!("changes.py printed '{text}', not two numbers"))),
        }
    }

    /// Sets an attribute of a user; without a value, takes it away.
    ///
    /// # Errors
    /// When the database cannot be changed.
    pub fn attribute(&self, user: &str, attribute: &str, values: &[&str]) -> Check {
        let mut command = vec!["python3", "/opt/dc/attribute.py", user, attribute];
        command.extend(values);
        self.run(&command).map(drop)
    }

    /// `samba-tool`, as an administrator of the domain.
    ///
    /// # Errors
    /// When it refuses.
    pub fn samba_tool(&self, arguments: &[&str]) -> Check {
        let mut command = vec!["samba-tool"];
        command.extend(arguments);
        self.run(&command).map(drop)
    }

    /// The domain's password rules: the usual ones, but for these arguments of
    /// `samba-tool domain passwordsettings set`.
    ///
    /// # Errors
    /// When samba-tool refuses.
    pub fn policy(&self, but: &[&str]) -> Check {
        let mut command = vec!["/opt/dc/policy"];
        command.extend(but);
        self.run(&command).map(drop)
    }

    /// Stops the domain controller where it stands, so that it answers nothing and closes
    /// nothing, or lets it go on. No fault where that is so already.
    ///
    /// # Errors
    /// When the engine cannot be run.
    pub fn pause(&self, paused: bool) -> Check {
        let verb = if paused { "pause" } else { "unpause" };
        self.engine.run(&[verb, &self.container]).map(drop)
    }

    /// Its address on the network where DNS knows it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn address(&self) -> Check<String> {
        self.address_on(&self.network)
    }

    /// Makes the domain's own DNS give its address, and these SRV records for the domain's
    /// domain controllers: `TARGET:PRIORITY`.
    ///
    /// # Errors
    /// When the database cannot be changed.
    pub fn name_servers(&self, records: &[&str]) -> Check {
        let address = self.address()?;
        let mut command = vec!["python3", "/opt/dc/dns.py", &address];
        command.extend(records);
        self.run(&command).map(drop)
    }

    fn address_on(&self, network: &str) -> Check<String> {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        self.engine.must(&["inspect", "--format", &format, &self.container])
    }

    /// A network on which the domain controller has an address but no name, made on first use:
    /// its name, and the address.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn nameless_network(&self) -> Check<(String, String)> {
        let network = format!("{}-nameless", self.network);
        if !self.engine.run(&["network", "inspect", &network])?.ok() {
            self.engine.must(&["network", "create", "--label", &self.engine.label(), &network])?;
            self.engine.must(&["network", "connect", &network, &self.container])?;
        }
        let address = self.address_on(&network)?;
        Ok((network, address))
    }
}
