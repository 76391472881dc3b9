"""Prints what a right answer is, computed from the domain controller's own database.

Nothing of the product is used: direct `member` values and primaryGroupID, closed
transitively here. Only security groups of the domain count, and membership passes
through security groups only, as in a Windows token. One line each, tab-separated:

    U  NAME  RID  PRIMARY-RID  GROUP-RID,GROUP-RID,...
    G  NAME  RID  MEMBER-NAME,MEMBER-NAME,...      (user members, closed; primary members left out)
    X  NAME  KIND                                  (must not be served: computers, distribution groups)
"""

import sys

import ldb
from samba import param
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.samdb import SamDB

SECURITY_BIT = 0x80000000
PERSON = 805306368


def load():
    parameters = param.LoadParm()
    parameters.load_default()
    db = SamDB(session_info=system_session(), lp=parameters)
    wanted = ["sAMAccountName", "sAMAccountType", "objectSid", "primaryGroupID", "groupType", "member"]
    found = db.search(base=db.domain_dn(), scope=ldb.SCOPE_SUBTREE,
                      expression="(|(objectClass=group)(objectClass=user))", attrs=wanted)
    return str(db.get_domain_sid()), found


def rid_of(entry, domain_sid):
    sid = str(ndr_unpack(security.dom_sid, entry["objectSid"][0]))
    head, _, rid = sid.rpartition("-")
    return int(rid) if head == domain_sid else None


class Entry:
    def __init__(self, raw, domain_sid):
        self.name = str(raw["sAMAccountName"][0]).lower()
        self.rid = rid_of(raw, domain_sid)
        self.is_group = "groupType" in raw
        self.serves_as_group = self.is_group and int(raw["groupType"][0]) & SECURITY_BIT != 0 and self.rid is not None
        self.is_person = not self.is_group and int(raw["sAMAccountType"][0]) == PERSON
        self.primary = int(raw["primaryGroupID"][0]) if "primaryGroupID" in raw else None
        self.members = [str(m) for m in raw["member"]] if "member" in raw else []


def main():
    domain_sid, found = load()
    entries = {str(raw.dn): Entry(raw, domain_sid) for raw in found}
    parents = {dn: [] for dn in entries}
    for dn, entry in entries.items():
        if entry.is_group and entry.serves_as_group:
            for member in entry.members:
                if member in parents:
                    parents[member].append(dn)
    by_rid = {entry.rid: dn for dn, entry in entries.items() if entry.rid is not None}

    def closure(starts):
        reached, queue = set(), list(starts)
        while queue:
            dn = queue.pop()
            if dn not in reached and entries[dn].serves_as_group:
                reached.add(dn)
                queue.extend(parents[dn])
        return reached

    members_of = {dn: set() for dn in entries}
    for dn, entry in entries.items():
        if not entry.is_person:
            continue
        for group in closure(parents[dn]):
            members_of[group].add(entry.name)
        groups = closure(parents[dn] + [by_rid[entry.primary]])
        rids = sorted(entries[group].rid for group in groups)
        print("U", entry.name, entry.rid, entry.primary, ",".join(map(str, rids)), sep="\t")
    for dn, entry in entries.items():
        if entry.serves_as_group:
            print("G", entry.name, entry.rid, ",".join(sorted(members_of[dn])), sep="\t")
        elif entry.is_group and entry.rid is not None:
            print("X", entry.name, "distribution group", sep="\t")
        elif not entry.is_group and not entry.is_person:
            print("X", entry.name, "computer", sep="\t")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
