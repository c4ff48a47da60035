"""API keys beside the database, for the first one and for admins who are locked out: `python -m api.keys --help`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from core.clock import uuid7
from models import audit_entry, schema_version
from models.api_key import Role, add_key, list_keys, new_secret, revoke
from models.audit_entry import Act
from models.session import Database

_OWNER = re.compile(r"[A-Za-z0-9._@-]{1,64}")


def create(connection: Connection, options: argparse.Namespace) -> None:
    key_id, secret = uuid7(), new_secret()
    facts = {"name": options.name, "owner": options.owner, "role": options.role}
    add_key(connection, key_id, secret, name=options.name, owner=options.owner, role=Role(options.role))
    _note(connection, "key.made", key_id, facts)
    if options.json:
        print(json.dumps({"id": str(key_id), "key": secret, **facts}))
        return
    print(f"{options.role} key for {options.owner}, shown this once:", file=sys.stderr)
    print(secret)


def show(connection: Connection, options: argparse.Namespace) -> None:
    keys = list_keys(connection)
    if options.json:
        print(json.dumps(keys, default=str))
    for key in () if options.json else keys:
        state = "revoked" if key["revoked_at"] else "live"
        print(key["id"], key["hint"], key["role"], key["owner"], state, key["name"])


def end(connection: Connection, options: argparse.Namespace) -> None:
    if not revoke(connection, options.key_id):
        sys.exit(f"no live key {options.key_id}")
    _note(connection, "key.revoked", options.key_id, {})
    print("{}" if options.json else f"{options.key_id} is revoked")


def _note(connection: Connection, action: str, key_id: UUID, facts: dict[str, str]) -> None:
    """Whoever works beside the database has no key: the entry says where it was done."""
    audit_entry.add(connection, Act(uuid7(), "command line", action, str(key_id), detail=dict(facts)))


def _owner(text: str) -> str:
    if not _OWNER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"an owner is 1 to 64 of letters, digits and ._@-, not {text!r}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api.keys", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"), help="default: DATABASE_URL")
    commands = parser.add_subparsers(required=True)
    made = commands.add_parser("create", help="make a key and show it this once")
    made.add_argument("name", help="what the key is for")
    made.add_argument("--owner", required=True, type=_owner, help="whose jobs it makes and sees")
    made.add_argument("--role", choices=list(Role), default=Role.SUBMITTER)
    made.set_defaults(run=create)
    listed = commands.add_parser("list", help="all keys, without their secrets")
    listed.set_defaults(run=show)
    ended = commands.add_parser("revoke", help="end a key")
    ended.add_argument("key_id", type=UUID)
    ended.set_defaults(run=end)
    for command in (made, listed, ended):
        command.add_argument("--json", action="store_true", help="for scripts")
    return parser


def main() -> None:
    parser = _parser()
    options = parser.parse_args()
    if not options.url:
        parser.error("no database: set DATABASE_URL or give --url")
    database = Database(options.url, pool_size=1)
    try:
        with database.transaction() as connection:
            if schema_version.found(connection) is None:
                sys.exit("this database has no tables yet: run `reckoner migrate` first")
            options.run(connection, options)
    except OperationalError as error:
        sys.exit(f"the database cannot be reached: {str(error).splitlines()[0]}")
    finally:
        database.close()


if __name__ == "__main__":
    main()
