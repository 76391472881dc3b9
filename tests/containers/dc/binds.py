"""Counts the simple binds that reached this domain controller since it started.

    binds.py ACCOUNT    those of one account (its sAMAccountName)
    binds.py            those of everybody but the service account svc-linux

Source: the lines that samba writes at auth_json_audit level 3, one per bind, whether
it succeeded or not.
"""

import json
import sys

LOG = "/var/log/samba/auth.json"


def binds():
    with open(LOG, encoding="utf-8", errors="replace") as log:
        for line in log:
            start = line.find("{")
            if start < 0:
                continue
            try:
                record = json.loads(line[start:])
            except ValueError:
                continue
            authentication = record.get("Authentication", {})
            if authentication.get("serviceDescription") == "LDAP":
                yield authentication


def account_of(authentication):
    name = authentication.get("mappedAccount") or authentication.get("clientAccount") or ""
    return name.lower()


def main():
    try:
        accounts = [account_of(one) for one in binds()]
    except FileNotFoundError:
        accounts = []
    if len(sys.argv) > 1:
        print(accounts.count(sys.argv[1].lower()))
    else:
        print(sum(1 for account in accounts if not account.startswith("svc-linux")))


if __name__ == "__main__":
    main()
