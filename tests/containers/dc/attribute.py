"""Sets an attribute of a user, or takes it away.

    attribute.py USER ATTRIBUTE [VALUE]...
"""

import sys

import ldb
from samba import param
from samba.auth import system_session
from samba.samdb import SamDB


def main():
    user, attribute, *values = sys.argv[1:]
    parameters = param.LoadParm()
    parameters.load_default()
    db = SamDB(session_info=system_session(), lp=parameters)
    found = db.search(base=db.domain_dn(), scope=ldb.SCOPE_SUBTREE, attrs=["dn"],
                      expression="(sAMAccountName=%s)" % ldb.binary_encode(user))
    message = ldb.Message(found[0].dn)
    message[attribute] = ldb.MessageElement(values, ldb.FLAG_MOD_REPLACE, attribute)
    db.modify(message)


if __name__ == "__main__":
    main()
