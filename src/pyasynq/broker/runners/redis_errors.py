"""Classifies errors of Redis: whether to try again, and which error of ours stands for them."""

import re
from typing import Any

from pyasynq.broker.operation import Operation, Script
from pyasynq.connection.passwords import KEY_VARIABLE, NO_KEY_PASSWORD
from pyasynq.connection.transport.wrong_settings import (
    NEEDS_TLS,
    NO_DATABASES,
    NO_HASH_TAGS,
    NO_REPLICAS,
    NO_SOCKET,
    NO_SUCH_MASTER,
    NO_TLS,
    NO_WAIT,
    OPEN_SENTINEL,
    SENTINEL_CREDENTIALS,
    SENTINEL_RIGHTS,
)
from pyasynq.errors import ConfigError, IncompatibleRedisError, PyasynqError
from pyasynq.shown import shown

# The server did not execute the call, but will be able to do so later.
_PASSING = (
    "MOVED ",
    "ASK ",
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "BUSY ",
    "UNBLOCKED",
    "NOREPLICAS",
    "MISCONF",  # its disk is full
)
# What to do when they have not passed in time.
_HINTS = (
    (
        "NOREPLICAS",
        "start replicas, or lower its min-replicas-to-write or raise its min-replicas-max-lag",
    ),
    (
        "READONLY",
        "this server is a replica: name its master, or its sentinels by a redis-sentinel:// URL",
    ),
    ("no master ", "look at the sentinels of the URL, and at what they know of the master"),
)
# A script met a key that this node of a cluster does not serve: it may have written others before.
_INTERRUPTED = "access a non local key", "while the cluster is down"
_CREDENTIALS = (
    "WRONGPASS",
    "NOAUTH",
    "invalid username-password",
    "invalid password",
    "Authentication required",
)
_BAD_CERTIFICATES = tuple(
    f"ALERT_{each}"
    for each in (
        *("BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "CERTIFICATE_REVOKED"),
        "UNSUPPORTED_CERTIFICATE",
    )
)
# What no waiting heals, since a setting is wrong: words of the error, and what to do. Case counts.
_WRONG_SETTINGS = (
    (
        (SENTINEL_CREDENTIALS,),
        "look at sentinel_username=… and sentinel_password=… in the URL",
    ),
    ((OPEN_SENTINEL,), "leave sentinel_password out of the URL"),
    (
        (SENTINEL_RIGHTS,),
        "give the user that is named by sentinel_username=… more rights on the sentinels",
    ),
    (
        (NO_WAIT,),
        "give the user +wait and connect without a proxy, or leave out durability=replicated",
    ),
    ((NO_REPLICAS,), "add a replica, or leave durability=replicated out of the URL"),
    (
        ("NOAUTH", "Authentication required"),
        "this redis wants a password; give it one, as in redis://:PASSWORD@HOST",
    ),
    (_CREDENTIALS, "redis refuses the user or the password"),
    (
        ("without any password configured", "no password is set"),
        "this redis has no password; leave it out of the URL",
    ),
    (
        ("DB index", "SELECT is not allowed", NO_DATABASES),
        "this redis does not have that database; give the URL another number, such as /0",
    ),
    (
        (NO_TLS, "WRONG_VERSION_NUMBER", "record layer failure"),
        "what answers there does not speak TLS; use redis:// in place of rediss://",
    ),
    (
        ("Hostname mismatch", "IP address mismatch"),
        "the certificate of this redis is for another host; use the name that it is for",
    ),
    (
        ("certificate has expired", "certificate is not yet valid"),
        "the certificate of this redis is not valid now; renew it, or set the clock",
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed"),
        "the certificate of this redis is not trusted; name its authority (ca_file=…)",
    ),
    (
        ("ALERT_CERTIFICATE_EXPIRED",),
        "our certificate has expired, as this redis says; renew it (cert_file=…)",
    ),
    (
        ("CERTIFICATE_REQUIRED", "ALERT_UNKNOWN_CA", *_BAD_CERTIFICATES),
        "this redis wants a certificate of yours that it trusts (cert_file=… and key_file=…)",
    ),
    (
        ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"),
        "this redis does not speak a version of TLS that we accept; see min_tls_version=…",
    ),
    (
        ("ALERT_HANDSHAKE_FAILURE",),
        "this redis wants a certificate of yours (cert_file=… and key_file=…), or other ciphers",
    ),
    (
        (NO_KEY_PASSWORD,),
        f"name the password of key_file (key_password_file=…, or {KEY_VARIABLE})",
    ),
    (("KEY_VALUES_MISMATCH",), "key_file is not the private key of cert_file"),
    (
        ("NO_CERTIFICATE_OR_CRL_FOUND", "[SSL] PEM lib"),
        "a file does not hold what TLS needs, in PEM form, or key_file has another password",
    ),
    (
        (NEEDS_TLS, 'got "\\x15" as reply type byte'),  # the latter is an alert of TLS
        "what answers there speaks TLS; use rediss:// in place of redis://",
    ),
    (("Protocol error, ",), "what answers there is not a redis; look at host and port"),
    (
        ("DENIED",),
        "this redis takes no connections from other machines, as long as it has no password",
    ),
    (
        ("cluster support disabled",),
        "this redis is not a cluster; use a redis:// URL for a single server",
    ),
    (
        ("unknown command 'SENTINEL'", "unknown command `SENTINEL`"),
        "this redis is not a sentinel; use a redis:// URL for a single server",
    ),
    (
        (NO_HASH_TAGS,),
        'set hash_tag: "{}" of twemproxy, or enable_hashtagging of Envoy',
    ),
    ((NO_SUCH_MASTER,), "look at master=… in the URL"),
    ((NO_SOCKET,), "look at the path in the URL, and at who may use it"),
    (
        ("'idna' codec", "label empty or too long", "Invalid character '"),  # each of some Pythons
        "the host in the URL is not a name; look at its spelling",
    ),
    (
        ("NOPERM", "no permissions", "can't run this command"),
        "redis does not permit this user what every connection needs; give it more rights",
    ),
)


# What a script may not do, since its user may not: a command, a key, a channel.
_OF_SCRIPTS = ("can't run this command", "can't access at least one of", "can't publish")
# A server that refuses the call of a script itself, not what the script does.
_EVAL = re.compile(r"(unknown command|no permissions|can't run).*\beval(sha)?\b")
_UNKNOWN = "unknown command", "unknown redis command", "wrong number of arguments"
# Where in a script an error happened: Redis 7 appends it to the error, older servers prepend it.
_LINE_OF_SCRIPT = re.compile(
    r" script: (?:[0-9a-f]{40}, )?on @user_script:\d+\.?$"
    r"|^Error running script \(call to f_[0-9a-f]{40}\): @user_script: ?\d+: -?"
)


def plain_text(error: object) -> str:
    """Return the text of an error without its code and the line of the script: noise for users."""
    return _LINE_OF_SCRIPT.sub("", str(error).removeprefix("ERR ")).removesuffix(".")


def hint(text: str) -> str:
    """Return what to do if waiting was in vain; empty if the error does not tell."""
    return next((what for words, what in _HINTS if words in text), "")


def is_no_script(text: str) -> bool:
    """Return whether the server does not know the script, or no longer."""
    return text.startswith(("NOSCRIPT", "No matching script"))


def is_passing(text: str) -> bool:
    """Return whether the same call will work later."""
    if any(word in text for word in _PASSING) or "redis is loading" in text.lower():
        return True
    return is_interrupted(text)


def is_interrupted(text: str) -> bool:
    """Return whether a script may have ended in its middle; the same call will work later."""
    return any(words in text for words in _INTERRUPTED)


def is_moved(text: str) -> bool:
    """Return whether another node of a cluster serves the key; waiting alone does not help."""
    return text.startswith(("MOVED ", "ASK "))


def is_wrong_setting(text: str) -> bool:
    """Return whether no connection can be made, however often it is tried, as *text* shows."""
    return _remedy(text) is not None


def wrong_setting(text: str) -> ConfigError | IncompatibleRedisError:
    """Return the exception for a connection that cannot be made: what to do, and *text*."""
    if NO_HASH_TAGS in text:
        return IncompatibleRedisError(
            f"{text}: {_remedy(text)}; or connect to redis itself", needed="hash tags"
        )
    return ConfigError(f"{_remedy(text)}: {text}")


def refusal(operation: Operation[Any], text: str) -> PyasynqError:
    """Return the exception for an error that will not go away by itself.

    Args:
        operation: what was refused.
        text: what the server answered, as `plain_text` returns it.
    """
    if any(word in text for word in _CREDENTIALS):
        return wrong_setting(text)
    if is_moved(text):
        return ConfigError(f"this redis is a node of a cluster; use a redis-cluster:// URL: {text}")
    if lack := _lack(operation, text):
        return lack
    keys = f"; {_keys_to_look_at(operation)}" if text.startswith("WRONGTYPE") else ""
    return PyasynqError(f"redis refuses {operation.name}: {text}{keys}")


def _lack(operation: Operation[Any], text: str) -> IncompatibleRedisError | None:
    """Return the exception if Redis lacks something; None if it refuses for another reason."""
    call, lowered = operation.name, text.lower()
    if "maxmemory" in lowered or text.startswith("OOM"):
        return IncompatibleRedisError(
            f"redis is out of memory and refuses {call}: raise maxmemory or delete tasks",
            needed="maxmemory",
        )
    if isinstance(operation.call, Script) and _EVAL.search(lowered):
        return IncompatibleRedisError(
            f"redis lets us run no scripts, and every operation on tasks is one: {text}; give "
            "this user more rights, or use a redis that runs EVALSHA and EVAL",
            needed="scripts",
        )
    if _is_permission(text):
        return IncompatibleRedisError(
            f"redis does not permit {call}: {text}; give this user more rights", needed=call
        )
    if any(words in lowered for words in _UNKNOWN):
        return IncompatibleRedisError(
            f"this redis does not know what {call} needs: {text}", needed=call
        )
    return None


def _remedy(text: str) -> str | None:
    """Return what to do about the setting that *text* shows to be wrong; None if none is."""
    return next(
        (remedy for words, remedy in _WRONG_SETTINGS if any(word in text for word in words)), None
    )


def _keys_to_look_at(operation: Operation[Any]) -> str:
    """Name the keys of which one has a wrong type; Redis does not report which one it is."""
    names = list(map(shown, dict.fromkeys(operation.keys)))
    if isinstance(operation.call, Script):
        names.append("the key of a task")
    return f"one of these keys has a wrong type: {', '.join(names)}; delete or rename it"


def _is_permission(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in ("noperm", "no permissions", *_OF_SCRIPTS))
