//! Ways of breaking a host, each mended by the words of doctor's own remedy: by the commands as it
//! prints them, or by the edit that it names.

#![forbid(unsafe_code)]

use crate::doctor::{Act, Breakage, Mend};

const fn row(
    what: &'static str,
    break_it: &'static str,
    named: &'static str,
    mend: Mend,
) -> Breakage {
    Breakage { what, break_it: Act::Shell(break_it), named, mend }
}

/// By pam-auth-update.
const fn pam(what: &'static str, break_it: &'static str) -> Breakage {
    row(what, break_it, "PAM: ", Mend::Printed)
}

/// See the module.
pub const ROWS: &[Breakage] = &[
    // The configuration.
    row(
        "a secret that all may read",
        "chmod 0644 /etc/ldaps/secret",
        "has mode 0644",
        Mend::Printed,
    ),
    row(
        "a secret of somebody else's",
        "chown localbob /etc/ldaps/secret",
        "neither root nor the daemon",
        Mend::Printed,
    ),
    row(
        "a configuration that others may change",
        "chmod 0666 /etc/ldaps/ldaps.toml",
        "configuration: ",
        Mend::Printed,
    ),
    row(
        "a CA file that others may change",
        "chmod 0666 /etc/ldaps/corp-ca.pem",
        "configuration: ",
        Mend::Printed,
    ),
    row(
        "no secret",
        "rm /etc/ldaps/secret",
        "/etc/ldaps/secret does not exist",
        Mend::Edit(
            "write the service account's password into it",
            "echo Service.Pass.1 >/etc/ldaps/secret",
        ),
    ),
    row(
        "a key that is none",
        "sed -i '/^\\[users\\]/,$d' /etc/ldaps/ldaps.toml; printf '\n[users]\nhom = \"/home/%%u\"\n' >>/etc/ldaps/ldaps.toml",
        "there is no key \"hom\" in [users]",
        Mend::Edit("did you mean \"home\"?", "sed -i 's/^hom =/home =/' /etc/ldaps/ldaps.toml"),
    ),
    row(
        "a key in another section",
        "sed -i '/^\\[users\\]/,$d' /etc/ldaps/ldaps.toml; printf '\n[users]\noffline_days = 3\n' >>/etc/ldaps/ldaps.toml",
        "there is no key \"offline_days\" in [users]",
        Mend::Edit(
            "it belongs into [pam]",
            "sed -i '/^\\[users\\]/s/users/pam/' /etc/ldaps/ldaps.toml",
        ),
    ),
    row(
        "a rule by what people write on themselves",
        "sed -i 's/^\\[access\\]$/[access]\\nallow_self_writable = true\\nfilter = \"(!(info=out))\"/' /etc/ldaps/ldaps.toml",
        "people may write info on themselves",
        Mend::Edit(
            "take an attribute that only administrators write, and allow_self_writable out of [access]",
            "sed -i '/^allow_self_writable/d; s/info=out/department=out/' /etc/ldaps/ldaps.toml",
        ),
    ),
    row(
        "verification switched off",
        "echo 'TLS_REQCERT never' >>/etc/ldap/ldap.conf",
        "TLS_REQCERT never is not obeyed",
        Mend::Edit(
            "write \"TLS_REQCERT demand\"",
            "sed -i 's/^TLS_REQCERT.*/TLS_REQCERT demand/' /etc/ldap/ldap.conf",
        ),
    ),
    row(
        "a CA file in DER",
        "cd /etc/ldaps && openssl x509 -in corp-ca.pem -outform der -out corp-ca.der && sed -i 's/corp-ca.pem/corp-ca.der/' /etc/ldap/ldap.conf",
        "is in DER, not in PEM",
        Mend::ThenEdit(
            "and name that file",
            "sed -i 's/corp-ca.der/corp-ca.der.pem/' /etc/ldap/ldap.conf; systemctl reload ldapsd",
        ),
    ),
    row(
        "a path of the CA file mistyped",
        "sed -i 's/corp-ca.der.pem/corp-ca.pen/' /etc/ldap/ldap.conf",
        "configuration: ",
        Mend::Edit(
            "corp-ca.pe",
            "sed -i 's/corp-ca.pen/corp-ca.pem/' /etc/ldap/ldap.conf; systemctl reload ldapsd",
        ),
    ),
    // The servers.
    row(
        "a server by another name than its certificate's",
        "echo \"$(getent ahostsv4 dc1.corp.example | awk '{print $1; exit}') alias.corp.example\" >>/etc/hosts; sed -i 's/^uri = .*/uri = [\"ldaps:\\/\\/alias.corp.example\"]/' /etc/ldaps/ldaps.toml",
        "is for dc1.corp.example, not for",
        Mend::Edit("uri = [\"ldaps://dc1.corp.example\"] under [directory]", RIGHT_URI),
    ),
    row(
        "a server that DNS does not know",
        "sed -i 's/^uri = .*/uri = [\"ldaps:\\/\\/no-such-dc.invalid\"]/' /etc/ldaps/ldaps.toml",
        "no-such-dc.invalid",
        Mend::Edit("correct the name in `uri`", RIGHT_URI),
    ),
    row(
        "a port where nobody listens",
        "sed -i 's/^uri = .*/uri = [\"ldaps:\\/\\/dc1.corp.example:637\"]/' /etc/ldaps/ldaps.toml",
        "refused",
        Mend::Edit("is the port right (LDAPS is 636)?", RIGHT_URI),
    ),
    row(
        "the port of LDAP without TLS",
        "sed -i 's/^uri = .*/uri = [\"ldaps:\\/\\/dc1.corp.example:389\"]/' /etc/ldaps/ldaps.toml",
        "port 389 speaks LDAP without TLS",
        Mend::Edit("leave the port out: LDAPS is on 636", RIGHT_URI),
    ),
    row(
        "a domain without a record in DNS",
        "sed -i 's/^uri = .*/domain = \"no-such-domain.invalid\"/' /etc/ldaps/ldaps.toml",
        "network: ",
        Mend::Edit(
            "name the servers: uri = [\"ldaps://",
            "sed -i 's/^domain = .*/uri = [\"ldaps:\\/\\/dc1.corp.example\"]/' /etc/ldaps/ldaps.toml; systemctl reload ldapsd",
        ),
    ),
    row(
        "another CA trusted",
        "cp /etc/ldaps/corp-ca.pem /root/right-ca.pem; openssl req -x509 -newkey rsa:2048 -nodes -days 90 -keyout /dev/null -out /etc/ldaps/corp-ca.pem -subj '/CN=Another CA' 2>/dev/null",
        "leads to no CA that is trusted here",
        Mend::Filled("FILE", "--yes /root/right-ca.pem"),
    ),
    // The service account.
    row(
        "another password than the service account's",
        "echo Wrong.Pass.1 >/etc/ldaps/secret",
        "wrong password (AD: data 52e)",
        Mend::Printed,
    ),
    row(
        "a name of the service account's that nobody has",
        "sed -i 's/^bind_dn = .*/bind_dn = \"svc-linus@corp.example\"/' /etc/ldaps/ldaps.toml",
        "service account: ",
        Mend::ThenEdit(
            "correct `bind_dn`: a DN, name@domain or DOMAIN",
            "sed -i 's/^bind_dn = .*/bind_dn = \"svc-linux@corp.example\"/' /etc/ldaps/ldaps.toml; systemctl reload ldapsd",
        ),
    ),
    row(
        "a filter that finds nobody",
        "sed -i '/^\\[users\\]/,$d' /etc/ldaps/ldaps.toml; printf '\n[users]\ncondition = \"(department=no-such)\"\n' >>/etc/ldaps/ldaps.toml",
        "finds nobody",
        Mend::Edit(
            "correct `base`, or `filter` and `condition` under [users]",
            "sed -i '/^condition = /d' /etc/ldaps/ldaps.toml; systemctl reload ldapsd",
        ),
    ),
    // The daemon and its unit.
    row("the daemon stopped", "systemctl stop ldapsd", "daemon: ", Mend::Printed),
    row(
        "the daemon hung",
        "pkill -STOP -x ldapsd; sleep 4",
        "gives no sign of life",
        Mend::Printed,
    ),
    row("masked", "systemctl mask ldapsd", "systemd: ldapsd.service is masked", Mend::Printed),
    row(
        "let out of its sandbox by a drop-in",
        "mkdir -p /etc/systemd/system/ldapsd.service.d && printf '[Service]\nNoNewPrivileges=no\nNice=1\n' >/etc/systemd/system/ldapsd.service.d/broken.conf; systemctl daemon-reload",
        "NoNewPrivileges=no",
        Mend::Printed,
    ),
    // NSS.
    row(
        "not on the line passwd",
        "sed -i '/^passwd:/s/ ldaps//' /etc/nsswitch.conf",
        "ldaps is not on the line \"passwd:",
        Mend::Printed,
    ),
    row(
        "in a comment on the line group",
        "sed -i '/^group:/s/ ldaps/ # ldaps/' /etc/nsswitch.conf",
        "ldaps is not on the line \"group:",
        Mend::Printed,
    ),
    row(
        "no line group",
        "sed -i '/^group:/d' /etc/nsswitch.conf",
        "has no line group:",
        Mend::Printed,
    ),
    row(
        "an end before us",
        "sed -i '/^passwd:/s/ ldaps/ [NOTFOUND=return] ldaps/' /etc/nsswitch.conf",
        "[NOTFOUND=return] stands before ldaps",
        Mend::Edit(
            "take [NOTFOUND=return] out",
            "sed -i '/^passwd:/s/ \\[NOTFOUND=return\\]//' /etc/nsswitch.conf",
        ),
    ),
    row(
        "we are first",
        "sed -i '/^passwd:/s/files ldaps/ldaps files/' /etc/nsswitch.conf",
        "files does not stand before ldaps",
        Mend::Edit(
            "write: passwd: files ... ldaps",
            "sed -i '/^passwd:/s/ldaps files/files ldaps/' /etc/nsswitch.conf",
        ),
    ),
    row(
        "sssd before us",
        "sed -i '/^passwd:/s/ ldaps/ sss ldaps/' /etc/nsswitch.conf",
        "sss stands before ldaps",
        Mend::Edit("take sss out", "sed -i '/^passwd:/s/ sss//' /etc/nsswitch.conf"),
    ),
    row(
        "a line initgroups without us",
        "echo 'initgroups: files' >>/etc/nsswitch.conf",
        "ldaps is not on the line \"initgroups:",
        Mend::Edit("take that line out", "sed -i '/^initgroups:/d' /etc/nsswitch.conf"),
    ),
    // PAM.
    pam("our line in auth taken out", "sed -i '/pam_ldaps/d' /etc/pam.d/common-auth"),
    pam("our line in account taken out", "sed -i '/pam_ldaps/d' /etc/pam.d/common-account"),
    pam(
        "both lines in account taken out",
        "sed -i '/pam_ldaps/d; /pam_localuser/d' /etc/pam.d/common-account",
    ),
    pam("a jump too far", "sed -i '/pam_unix/s/success=2/success=4/' /etc/pam.d/common-auth"),
    pam(
        "our jump onto pam_deny",
        "sed -i '/pam_ldaps/s/success=1/success=ok/' /etc/pam.d/common-auth",
    ),
    pam(
        "local users not before us in account",
        "sed -i '/pam_localuser/d' /etc/pam.d/common-account",
    ),
    pam("required in auth", "sed -i '/pam_ldaps/s/\\[[^]]*\\]/required/' /etc/pam.d/common-auth"),
    pam(
        "required in auth before all others",
        "sed -i '0,/^auth/s//auth required pam_ldaps.so\\nauth/' /etc/pam.d/common-auth",
    ),
    pam(
        "pam_unix dies before us",
        "sed -i '/pam_unix/s/default=ignore/default=die/' /etc/pam.d/common-auth",
    ),
    pam("pam_permit for pam_deny", "sed -i 's/pam_deny/pam_permit/' /etc/pam.d/common-auth"),
    pam(
        "pam_unix sufficient before us in account",
        "sed -i '/pam_unix/s/\\[[^]]*\\]/sufficient/' /etc/pam.d/common-account",
    ),
    pam(
        "unavailable ignored in account",
        "sed -i '/pam_ldaps/s/default=bad/authinfo_unavail=ignore default=bad/' /etc/pam.d/common-account",
    ),
    pam(
        "system users alone",
        "sed -i '0,/^auth/s//auth requisite pam_succeed_if.so uid < 1000 quiet\\nauth/' /etc/pam.d/common-auth",
    ),
    // Homes and sshd.
    row(
        "no home directories",
        "pam-auth-update --package --remove mkhomedir",
        "home directories: ",
        Mend::Printed,
    ),
    row(
        "sshd without PAM",
        "echo 'UsePAM no' >/etc/ssh/sshd_config.d/50-no.conf; systemctl reload ssh",
        "UsePAM is not \"yes\"",
        Mend::Printed,
    ),
    row(
        "sshd without keyboard-interactive",
        "rm -f /etc/ssh/sshd_config.d/00-ldaps-login.conf; echo 'KbdInteractiveAuthentication no' >/etc/ssh/sshd_config.d/50-no.conf; systemctl reload ssh",
        "KbdInteractiveAuthentication is off",
        Mend::Printed,
    ),
    row(
        "sshd without passwords",
        "rm -f /etc/ssh/sshd_config.d/00-ldaps-login.conf; printf 'KbdInteractiveAuthentication no\nPasswordAuthentication no\n' >/etc/ssh/sshd_config.d/50-no.conf; systemctl reload ssh",
        "neither PasswordAuthentication nor KbdInteractiveAuthentication is on",
        Mend::ThenEdit(
            "if passwords are wanted",
            "sed -i '/^PasswordAuthentication/d' /etc/ssh/sshd_config.d/50-no.conf; systemctl reload ssh",
        ),
    ),
    // Ids.
    row(
        "a local user with an id of the domain's",
        "useradd -M -N -u $(($(id -u alice) + 5000)) oldie",
        "the local user oldie has the id",
        Mend::Filled(" ID ", " 4321 "),
    ),
    row(
        "a local group with one",
        "userdel oldie; groupadd -g $(($(id -u alice) + 5001)) oldies",
        "the local group oldies has the id",
        Mend::Filled(" ID ", " 4322 "),
    ),
    row(
        "a range for containers of the domain's ids",
        "groupdel oldies; echo \"localbob:$(id -u alice):65536\" >>/etc/subuid",
        "localbob may use",
        Mend::Filled("FIRST-LAST", "300000-365535"),
    ),
    row(
        "useradd that goes up to everything",
        "sed -i -E 's/^UID_MAX.*/UID_MAX 2000000000/' /etc/login.defs",
        "UID_MAX is 2000000000",
        Mend::Printed,
    ),
];

const RIGHT_URI: &str = "sed -i 's/^uri = .*/uri = [\"ldaps:\\/\\/dc1.corp.example\"]/' /etc/ldaps/ldaps.toml; systemctl reload ldapsd";
