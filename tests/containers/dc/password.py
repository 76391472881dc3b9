"""Puts a user's password into the state that a scenario asks for.

    password.py USER set PASSWORD     a new password, set now by an administrator
    password.py USER age HOURS        as if it had been set so long ago
    password.py USER must-change      to be changed at the next login
"""

import sys
import time

import ldb
from samba import param, unix2nttime
from samba.auth import system_session
from samba.samdb import SamDB

# Samba's own control DSDB_CONTROL_PASSWORD_BYPASS_LAST_SET, which its Python does not name: without
# it pwdLastSet takes only 0 and -1, as in AD itself.
ANY_TIME = "local_oid:1.3.6.1.4.1.7165.4.3.20:1"


def replace(db, dn, key, value, controls=()):
    message = ldb.Message(dn)
    message[key] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, key)
    db.modify(message, list(controls))


def main():
    user, what = sys.argv[1:3]
    parameters = param.LoadParm()
    parameters.load_default()
    db = SamDB(session_info=system_session(), lp=parameters)
    found = db.search(base=db.domain_dn(), scope=ldb.SCOPE_SUBTREE, attrs=["dn"],
                      expression="(sAMAccountName=%s)" % ldb.binary_encode(user))
    dn = found[0].dn
    if what == "set":
        replace(db, dn, "unicodePwd", ('"%s"' % sys.argv[3]).encode("utf-16-le"))
    elif what == "age":
        moment = unix2nttime(int(time.time() - float(sys.argv[3]) * 3600))
        replace(db, dn, "pwdLastSet", str(moment), [ANY_TIME])
    elif what == "must-change":
        replace(db, dn, "pwdLastSet", "0")
    else:
        sys.exit("password.py does not know '%s'" % what)


if __name__ == "__main__":
    main()
