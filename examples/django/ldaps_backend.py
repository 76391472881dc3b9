"""Django's users are people of Active Directory: PAM says who gets in, ldapsctl says who they are.

settings.py:

    AUTHENTICATION_BACKENDS = ["ldaps_backend.LdapsBackend"]
    LDAPS_STAFF_GROUP = "linux-admins"  # its members, through nested groups, are staff
"""

import json
import logging
import subprocess

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.views.decorators.debug import sensitive_variables

# python-pam 2 (python3-pampy in Debian 12, Ubuntu 24.04 and later) asks for the account after the
# password, on one handle. Version 1 and pamela do not, and would let expired passwords in; this
# class is not in them.
from pam import PamAuthenticator

PAM_SERVICE = "django"  # /etc/pam.d/django
LDAPSCTL = "/usr/bin/ldapsctl"
SECONDS = 15

log = logging.getLogger(__name__)


class LdapsBackend(ModelBackend):
    """ModelBackend for everything but who gets in: permissions are Django's own."""

    @sensitive_variables("password")
    def authenticate(self, request, username=None, password=None, **kwargs):
        if not username or not password or not pam_lets_in(username, password):
            return None
        person = who_is(username)
        if person is None:
            return None
        user = account_of(person)
        return user if user is not None and self.user_can_authenticate(user) else None


@sensitive_variables("password")
def pam_lets_in(name, password):
    """True for the right password of an account that may use this site, and for nothing else."""
    authenticator = PamAuthenticator()
    try:
        # A web site has no use for credentials of the host (pam_setcred).
        if authenticator.authenticate(name, password, service=PAM_SERVICE, resetcreds=False):
            return True
    except ValueError:  # A NUL or half a surrogate: no name or password that anybody has.
        return False
    log.info("PAM refuses %r: %s", name, authenticator.reason)
    return False


def who_is(name):
    """What the directory says of a person, with the keys of docs/ldaps.toml.md; None if unknown."""
    command = [LDAPSCTL, "user", "--json", "--", name]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
        person = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        log.error("%r is let in by PAM, but ldapsctl cannot say who that is: %s", name, error)
        return None
    if person["profile"] is None:
        log.error("[profile] readers in /etc/ldaps/ldaps.toml does not name this site's user")
        return None
    return person


def account_of(person):
    """Django's account of a person, as the directory has it today; made at the first login."""
    # The name that the directory has, however it was typed: one person, one account.
    user, _new = get_user_model().objects.get_or_create(
        username=person["name"], defaults={"password": make_password(None)}
    )
    # A password of Django's own makes it somebody else's, a superuser's perhaps.
    if user.has_usable_password():
        log.error("%s is an account of Django's own: nobody of the directory gets it", user)
        return None
    profile = person["profile"]
    user.first_name = profile["givenName"] or ""
    user.last_name = profile["sn"] or ("" if user.first_name else profile["displayName"] or "")
    user.email = profile["mail"] or ""
    user.is_staff = settings.LDAPS_STAFF_GROUP in [group for _gid, group in person["groups"]]
    user.save()
    return user
