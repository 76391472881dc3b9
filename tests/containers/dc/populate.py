"""Fills corp.example with the people, groups and computers that the scenarios ask for.

Everything is one table or another below: a new case is a new line. All users have the
password Secret.123; the service account has Service.Pass.1. Usage: populate.py PLAIN-USERS
"""

import sys

import ldb
from samba import param
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.samdb import SamDB
from samba.sd_utils import SDUtils

PASSWORD = "Secret.123"
SERVICE_PASSWORD = "Service.Pass.1"
NEVER = "-9223372036854775808"
A_SECOND = 10_000_000  # in the directory's 100 ns units
A_DAY = 86400 * A_SECOND

SECURITY = 0x80000000
GLOBAL, DOMAIN_LOCAL, UNIVERSAL = 2, 4, 8

# sAMAccountName, common name, further attributes. Who is let in is said by GROUPS.
USERS = [
    ("alice", "Alice Example", {"uidNumber": "30007", "gidNumber": "30500", "givenName": "Alice", "sn": "Example",
                                "mail": "alice.example@corp.example"}),
    ("bob", "Bob Example", {"givenName": "Bob", "sn": "Example", "mail": "bob.example@corp.example",
                            "department": "Printing"}),
    ("mallory", "Mallory Outside", {}),
    ("dora", "Dora Refused by sshd", {}),
    ("disabled1", "Disabled One", {"userAccountControl": "514"}),
    ("keydis", "Disabled With a Key", {"userAccountControl": "514"}),
    ("expired1", "Expired One", {"accountExpires": "132223104000000000"}),  # 1 January 2020
    ("mustchange", "Must Change", {"pwdLastSet": "0"}),
    ("pwexpired", "Password Expired", {}),
    ("locky", "Locked Out", {}),
    ("hidden", "Hidden State", {}),
    ("nohours", "At No Hour", {"logonHours": b"\0" * 21}),
    # Namesakes of accounts that every host has of its own.
    ("localbob", "Namesake of a Local User", {}),
    ("root", "Namesake of Root", {}),
    ("backup", "Namesake of a System User", {}),
    # Names that a careless filter, DN or passwd line breaks on.
    ("jo smith", "Smith, Jo", {}),
    ("zoë", "Zoë Größe", {}),
    ("łukasz", "Łukasz Żółć", {}),
    ("ÄNNE", "ÄNNE, Groß", {}),
    ("MixedCase", "Mixed Case", {}),
    ("o'brien", "O'Brien, \"Pat\" + Co; <x>", {}),
    ("par(en)s", "Parens (one) \\ two * three", {}),
    ("first.last_x-1", "#First Last ", {}),
    ("gecoscolon", "Colon: In: Name", {}),
    # People whose passwords grow old and are changed: each for one scenario, which says in
    # what state their password is (password.py).
    ("warned", "Warned in Time", {}),
    ("never", "Never Expires", {"userAccountControl": "66048"}),
    ("keyexp", "Expired With a Key", {}),
    ("exlogin", "Expired at Login", {}),
    ("exsu", "Expired at su", {}),
    ("exkeyboard", "Expired at Keyboard-Interactive", {}),
    ("expass", "Expired at sshd's Password", {}),
    ("mclogin", "Must Change at Login", {}),
    ("mcsu", "Must Change at su", {}),
    ("mckeyboard", "Must Change at Keyboard-Interactive", {}),
    ("mcpass", "Must Change at sshd's Password", {}),
    ("changer", "Changes Theirs", {}),
    ("refused", "Refused a New One", {}),
    ("ownrules", "Rules of Their Own", {}),
    ("quality", "Quality Checked", {}),
    # People who log in while the domain controller is silent, and what happens to their accounts.
    ("offline", "Offline", {}),
    ("offdisabled", "Offline and Disabled", {}),
    ("offchanged", "Offline and Changed", {}),
    ("offrules", "Offline and Not Allowed", {}),
    ("offprotected", "Offline and Protected", {}),
    ("offdeleted", "Offline and Deleted", {}),
    # Whom an LDAP filter of the access rules lets in, whom AD refuses whatever the password, and at
    # whose passwords somebody guesses.
    ("itperson", "Person in IT", {"department": "IT"}),
    ("salesperson", "Person in Sales", {"department": "Sales"}),
    ("protected", "Protected User", {}),
    ("cardholder", "Smart Card Holder", {"userAccountControl": "262656"}),
    ("guessed", "Guessed At", {}),
    # People with several names, and people whose names look like others'.
    ("namely", "Namely Named", {"userPrincipalName": "n.named@corp.example",
                                "mail": "namely.mail@corp.example"}),
    ("victim", "Victim of Namesakes", {"userPrincipalName": "v.ictim@corp.example",
                                       "mail": "victim.mail@corp.example"}),
    ("mailthief", "Mail Like Another's Name", {"mail": "v.ictim@corp.example"}),
    ("v.ictim@corp.example", "Account Name Like Another's UPN",
     {"userPrincipalName": "atname@corp.example"}),
    ("keyed", "Key in the Directory", {}),
    # How people look on a host: homes, shells, ids.
    ("homey", "Home by Attribute", {"unixHomeDirectory": "/srv/people/homey", "loginShell": "/bin/sh"}),
    ("fallback", "Shell Not Allowed", {"unixHomeDirectory": "/home/../root", "loginShell": "/usr/bin/tcsh"}),
    ("noshell", "No Shell at All", {"loginShell": "/usr/sbin/nologin"}),
    ("devy", "Developer", {}),
    ("dockhand", "Docker by Nested Groups", {}),
    ("twin1", "Twin One", {"uidNumber": "30001", "gidNumber": "30600"}),
    ("twin2", "Twin Two", {"uidNumber": "30001", "gidNumber": "30600"}),
    # What happens to accounts while hosts look on.
    ("freshteam", "Fresh in a Team", {}),
    ("freshdisabled", "Fresh and Disabled", {}),
    ("freshrename", "Fresh With a New Name", {}),
    ("freshmoved", "Fresh and Moved Away", {}),
    ("freshdeleted", "Fresh and Deleted", {}),
    # Who has a uidNumber, and who has it after they are gone.
    ("giver", "Giver of a Number", {"uidNumber": "30077", "gidNumber": "30500"}),
    ("taker", "Taker of a Number", {"uidNumber": "30078", "gidNumber": "30500"}),
]
FRESH = ["freshteam", "freshdisabled", "freshrename", "freshmoved", "freshdeleted", "giver", "taker"]
# Whose SSH key is in the directory.
KEYED = ["keyed"]
RULED = ["itperson", "salesperson", "protected", "cardholder", "guessed"]
NAMED = ["namely", "victim", "mailthief", "v.ictim@corp.example"]
# Whom the settings with an age of 30 days bind.
AGEING = ["warned", "never", "keyexp", "exlogin", "exsu", "exkeyboard", "expass", "ownrules"]
LOOKS = ["homey", "fallback", "noshell", "devy", "dockhand", "twin1", "twin2"]
CHANGING = ["mclogin", "mcsu", "mckeyboard", "mcpass", "changer", "refused", "quality"]
OFFLINE = ["offline", "offdisabled", "offchanged", "offrules", "offprotected", "offdeleted"]

# sAMAccountName, common name, kind, members (sAMAccountNames of users and groups).
GROUPS = [
    ("nest-a", "Nest A", SECURITY | GLOBAL, ["nest-b"]),
    ("nest-b", "Nest B", SECURITY | GLOBAL, ["nest-c"]),
    ("nest-c", "Nest C", SECURITY | GLOBAL, ["nest-a", "alice"]),  # the cycle
    ("linux-users", "Linux Users", SECURITY | GLOBAL, [
        "nest-a", "bob", "dora", "disabled1", "keydis", "expired1", "mustchange", "pwexpired",
        "locky", "hidden", "nohours", "localbob", "root", "backup", "jo smith", "zoë"] + AGEING + CHANGING + OFFLINE +
        NAMED + RULED + LOOKS + KEYED + FRESH),
    ("linux-admins", "Linux Admins", SECURITY | GLOBAL, ["bob"]),
    ("sudo", "Namesake of sudo", SECURITY | GLOBAL, ["alice", "mallory"]),
    ("docker", "Namesake of docker", SECURITY | GLOBAL, ["alice"]),
    ("File Servers Read", "File Servers, Read", SECURITY | DOMAIN_LOCAL, ["linux-users", "łukasz"]),
    ("Größe Ünit", "Größe, Ünit", SECURITY | UNIVERSAL, ["zoë", "ÄNNE", "o'brien"]),
    ("mail-list", "Mail List", GLOBAL, ["alice", "bob"]),  # a distribution group
    ("behind-list", "Behind the List", SECURITY | UNIVERSAL, ["mail-list", "par(en)s"]),
    ("empty", "Empty", SECURITY | GLOBAL, []),
    ("fresh-inner", "Fresh Inner", SECURITY | GLOBAL, []),
    ("fresh-outer", "Fresh Outer", SECURITY | GLOBAL, ["fresh-inner", "freshdeleted"]),
    ("fresh-gone", "Fresh and Gone", SECURITY | GLOBAL, ["freshteam"]),
    ("has-computer", "Has a Computer", SECURITY | GLOBAL, ["PC01$", "bob"]),
    ("developers", "Developers", SECURITY | GLOBAL, ["devy"]),
    ("linux-docker", "Linux Docker", SECURITY | GLOBAL, ["dock-crew"]),
    ("dock-crew", "Dock Crew", SECURITY | GLOBAL, ["dockhand"]),
    ("twins-a", "Twins A", SECURITY | GLOBAL, ["twin1", "alice"]),
    ("twins-b", "Twins B", SECURITY | GLOBAL, ["twin2"]),
    ("outer-3000", "Outer 3000", SECURITY | UNIVERSAL, ["big-3000", "alice"]),
]

# The gidNumbers of groups; two have the same.
GIDS = [("linux-users", "30500"), ("twins-a", "30900"), ("twins-b", "30900")]

COMPUTERS = ["PC01", "PC02"]

# Password settings objects: name, longest password age, lock-out threshold, whom it binds.
# This is how single accounts get an expired password or a lock-out in a domain without either.
SETTINGS = [
    ("Expire At Once", str(-A_SECOND), "0", ["pwexpired"]),
    ("Lock After Two", NEVER, "2", ["locky"]),
    ("Thirty Days", str(-30 * A_DAY), "0", AGEING),
]


def quoted(password):
    return ('"%s"' % password).encode("utf-16-le")


class Domain:
    def __init__(self):
        parameters = param.LoadParm()
        parameters.load_default()
        self.db = SamDB(session_info=system_session(), lp=parameters)
        self.base = str(self.db.domain_dn())
        self.people_dn = self.child(ldb.Dn(self.db, self.base), "OU", "People, Staff")
        self.dn_of = {}

    def child(self, parent, kind, name):
        dn = ldb.Dn(self.db, "%s=x" % kind)
        dn.set_component(0, kind, name)
        dn.add_base(parent)
        return dn

    def add_user(self, name, common_name, extra, password=PASSWORD):
        dn = self.child(self.people_dn, "CN", common_name)
        first = dict(extra)
        late = {k: first.pop(k) for k in ["pwdLastSet"] if k in first}
        self.db.add({"dn": dn, "objectClass": "user", "sAMAccountName": name,
                     "displayName": common_name.strip() or name, "userAccountControl": "512",
                     "userPrincipalName": "%s@corp.example" % name.replace(" ", "."),
                     "unicodePwd": quoted(password), **first})
        if late:
            self.change(dn, late)
        self.dn_of[name] = dn

    def change(self, dn, values, kind=ldb.FLAG_MOD_REPLACE):
        message = ldb.Message(dn)
        for key, value in values.items():
            message[key] = ldb.MessageElement(value, kind, key)
        self.db.modify(message)

    def add_group(self, name, common_name, group_type):
        dn = self.child(self.people_dn, "CN", common_name + " (group)")
        signed = group_type - 0x100000000 if group_type & SECURITY else group_type
        self.db.add({"dn": dn, "objectClass": "group", "sAMAccountName": name, "groupType": str(signed)})
        self.dn_of[name] = dn

    def add_members(self, group, members):
        if members:
            self.change(self.dn_of[group], {"member": [str(self.dn_of[m]) for m in members]}, ldb.FLAG_MOD_ADD)

    def add_settings(self, name, longest_age, threshold, users):
        self.db.add({"dn": "CN=%s,CN=Password Settings Container,CN=System,%s" % (name, self.base),
                     "objectClass": "msDS-PasswordSettings",
                     "msDS-PasswordSettingsPrecedence": "10",
                     "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
                     "msDS-PasswordHistoryLength": "0",
                     "msDS-PasswordComplexityEnabled": "FALSE",
                     "msDS-MinimumPasswordLength": "7",
                     "msDS-MinimumPasswordAge": "0",
                     "msDS-MaximumPasswordAge": longest_age,
                     "msDS-LockoutThreshold": threshold,
                     "msDS-LockoutObservationWindow": str(-1800 * A_SECOND),
                     "msDS-LockoutDuration": str(-1800 * A_SECOND),
                     "msDS-PSOAppliesTo": [str(self.dn_of[user]) for user in users]})

    def hide_state(self, user, from_account):
        """The service account may not read this user's userAccountControl, as in hardened domains."""
        reader = self.db.search(base=self.dn_of[from_account], scope=ldb.SCOPE_BASE, attrs=["objectSid"])[0]
        ace = "(OD;;RP;bf967a68-0de6-11d0-a285-00aa003049e2;;%s)" % ndr_unpack(security.dom_sid, reader["objectSid"][0])
        SDUtils(self.db).dacl_add_ace(self.dn_of[user], ace)


def fill(domain, plain_users):
    domain.db.add({"dn": domain.people_dn, "objectClass": "organizationalUnit"})
    domain.add_user("svc-linux", "Service Account for Linux", {}, SERVICE_PASSWORD)
    for name, common_name, extra in USERS:
        domain.add_user(name, common_name, extra)
    plain = ["user%04d" % number for number in range(1, plain_users + 1)]
    for name in plain:
        domain.add_user(name, name, {})
    for computer in COMPUTERS:
        domain.db.newcomputer(computer)
        domain.dn_of[computer + "$"] = ldb.Dn(domain.db, "CN=%s,CN=Computers,%s" % (computer, domain.base))
    domain.add_group("big-3000", "Big 3000", SECURITY | GLOBAL)
    for name, common_name, kind, _ in GROUPS:
        domain.add_group(name, common_name, kind)
    domain.add_members("big-3000", plain)
    for name, _, _, members in GROUPS:
        domain.add_members(name, members)
    protected_users = ldb.Dn(domain.db, "CN=Protected Users,CN=Users,%s" % domain.base)
    domain.change(protected_users, {"member": [str(domain.dn_of["protected"])]}, ldb.FLAG_MOD_ADD)
    for group, gid in GIDS:
        domain.change(domain.dn_of[group], {"gidNumber": gid})
    for line in SETTINGS:
        domain.add_settings(*line)
    domain.hide_state("hidden", from_account="svc-linux")


def main():
    domain = Domain()
    domain.db.transaction_start()
    try:
        fill(domain, int(sys.argv[1]))
    except BaseException:
        domain.db.transaction_cancel()
        raise
    domain.db.transaction_commit()


if __name__ == "__main__":
    main()
