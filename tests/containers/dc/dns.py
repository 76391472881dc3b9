"""Tells the domain's own DNS where the domain controller is now, and which SRV records
`_ldap._tcp.dc._msdcs.corp.example` has: TARGET:PRIORITY each. The image was made at another
address. Usage: dns.py ADDRESS TARGET:PRIORITY...
"""

import sys

from samba import param
from samba.auth import system_session
from samba.provision.sambadns import ARecord, SRVRecord
from samba.samdb import SamDB


def main():
    parameters = param.LoadParm()
    parameters.load_default()
    db = SamDB(session_info=system_session(), lp=parameters)
    db.dns_replace("dc1.corp.example", [ARecord(sys.argv[1])])
    pairs = [target.split(":") for target in sys.argv[2:]]
    records = [SRVRecord(name, 389, int(priority), 100) for name, priority in pairs]
    db.dns_replace("_ldap._tcp.dc._msdcs.corp.example", records)


if __name__ == "__main__":
    main()
