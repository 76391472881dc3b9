"""Counts the password changes and resets of a user since samba started first here.

    changes.py USER     prints CHANGES RESETS, those that were accepted

Source: the lines that samba writes at dsdb_password_json_audit level 5.
"""

import json
import sys

import ldb
from samba import param
from samba.auth import system_session
from samba.samdb import SamDB

LOG = "/var/log/samba/passwords.json"


def records():
    with open(LOG, encoding="utf-8", errors="replace") as log:
        for line in log:
            start = line.find("{")
            try:
                yield json.loads(line[start:]).get("passwordChange", {}) if start >= 0 else {}
            except ValueError:
                continue


def main():
    parameters = param.LoadParm()
    parameters.load_default()
    db = SamDB(session_info=system_session(), lp=parameters)
    found = db.search(base=db.domain_dn(), scope=ldb.SCOPE_SUBTREE, attrs=["dn"],
                      expression="(sAMAccountName=%s)" % ldb.binary_encode(sys.argv[1]))
    dn = str(found[0].dn)
    try:
        actions = [one.get("action") for one in records() if one.get("dn") == dn and one.get("statusCode") == 0]
    except FileNotFoundError:
        actions = []
    print(actions.count("Change"), actions.count("Reset"))


if __name__ == "__main__":
    main()
