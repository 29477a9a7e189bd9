"""The one model behind both faces: every resource of the three clouds, kept in a file that survives a restart.

A change is a transaction: a refusal half-way leaves nothing behind, as with the real clouds' single calls. Several
processes may have the file open: one that serves, others that look or act from a terminal. Never hold a change open
over a network call or a function's run.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.market import Market

_SCHEMA = """
create table if not exists records (
  cloud text, kind text, id text, serial integer, data text, primary key (cloud, kind, id));
create index if not exists members on records (cloud, kind, json_extract(data, '$.body.group'));
create table if not exists settings (name text primary key, value text);
create table if not exists timers (cloud text, kind text, id text, at real, primary key (cloud, kind, id));
create table if not exists deliveries (
  id integer primary key, cloud text, region text, kind text, target text, via text, dead text, payload text,
  attempts integer, most integer, backoff_s real, due real);
create index if not exists due on deliveries (due);
create table if not exists objects (
  cloud text, bucket text, name text, version integer, at real, body blob, primary key (cloud, bucket, name));
create table if not exists callers (credential text primary key, cloud text, principal text);
create table if not exists calls (at real, cloud text, region text, action text, status integer);
create table if not exists logs (at real, cloud text, name text, line text);
"""


@dataclass(slots=True)
class Record:
    """One thing that a cloud holds.

    `body` has the members of the vendor's API; `tags` are its tags or labels; `parents` the ids of the things it
    lives in or points at; `live` what the cloud knows beyond the request (addresses, states, versions).
    """

    cloud: str
    kind: str
    id: str
    region: str
    body: dict[str, Any]
    name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    live: dict[str, Any] = field(default_factory=dict)
    serial: int = 0


class World:
    """All records, with the market they buy machines from. Safe to use from several threads."""

    def __init__(self, path: Path | str, market: Market) -> None:
        self.market = market
        self.folder = Path(path).resolve().parent
        self.clock = Clock(self)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.executescript(_SCHEMA)
        self.clock.mend()

    def close(self) -> None:
        """Close the file. Everything committed stays."""
        with self._lock:
            self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """All or nothing: an exception inside undoes what was written inside."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def put(self, record: Record) -> Record:
        """Write a record, new or changed."""
        with self._lock:
            record.serial = record.serial or self.next_serial()
            data = {name: getattr(record, name) for name in Record.__slots__}
            self._db.execute(
                "insert or replace into records values (?, ?, ?, ?, ?)",
                (record.cloud, record.kind, record.id, record.serial, json.dumps(data)),
            )
        return record

    def get(self, cloud: str, kind: str, record_id: str) -> Record | None:
        """The record, or None when the cloud has no such thing."""
        with self._lock:
            row = self._db.execute(
                "select data from records where cloud = ? and kind = ? and id = ?",
                (cloud, kind, record_id),
            ).fetchone()
        return Record(**json.loads(row[0])) if row else None

    def remove(self, record: Record) -> None:
        """Forget a record."""
        with self._lock:
            self._db.execute(
                "delete from records where cloud = ? and kind = ? and id = ?",
                (record.cloud, record.kind, record.id),
            )

    def all(self, cloud: str | None = None, kind: str | None = None) -> list[Record]:
        """Records in the order of their creation."""
        known = {"cloud": cloud, "kind": kind}
        asked = {name: value for name, value in known.items() if value is not None}
        where = " and ".join(f"{name} = ?" for name in asked) or "true"
        return self._records(where, *asked.values())

    def children(self, record: Record) -> list[Record]:
        """Records of the same cloud that live in or point at this one."""
        pointing = "exists (select 1 from json_each(data, '$.parents') where value = ?)"
        return self._records(f"cloud = ? and {pointing}", record.cloud, record.id)

    def members(self, group: Record, kind: str) -> list[Record]:
        """Records of a kind whose body names this group, oldest first."""
        where = "cloud = ? and kind = ? and json_extract(data, '$.body.group') = ?"
        return self._records(where, group.cloud, kind, group.id)

    def _records(self, where: str, *values: str) -> list[Record]:
        rows = self.sql(f"select data from records where {where} order by serial", *values)
        return [Record(**json.loads(row[0])) for row in rows]

    def wake(self, record: Record, at: float) -> None:
        """Have the life of the clouds look at a record at this time (Unix seconds of their clock), or sooner."""
        self.wake_by_id(record.cloud, record.kind, record.id, at)

    def wake_by_id(self, cloud: str, kind: str, record_id: str, at: float) -> None:
        """As `wake`, for what is no record."""
        self.sql(
            "insert into timers values (?, ?, ?, ?) "
            "on conflict (cloud, kind, id) do update set at = min(at, excluded.at)",
            cloud, kind, record_id, at,
        )  # fmt: skip

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement on the file; the rows it returns."""
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def next_serial(self) -> int:
        """A number never given before, also not before a restart."""
        with self._lock:
            number = int(self.setting("serial", "0")) + 1
            self.set_setting("serial", str(number))
        return number

    def new_hex(self, length: int) -> str:
        """A fresh identifier of so many hexadecimal digits."""
        return hashlib.sha256(f"id-{self.next_serial()}".encode()).hexdigest()[:length]

    def setting(self, name: str, default: str) -> str:
        """A value set by hand or by the world itself."""
        rows = self.sql("select value from settings where name = ?", name)
        return str(rows[0][0]) if rows else default

    def settings(self, prefix: str) -> dict[str, str]:
        """All settings whose names begin so, without the prefix."""
        rows = self.sql("select name, value from settings where name >= ? and name < ?", prefix, f"{prefix}\uffff")  # fmt: skip
        return {name.removeprefix(prefix): value for name, value in rows}

    def set_setting(self, name: str, value: str | None) -> None:
        """Keep a value across restarts; None forgets it."""
        if value is None:
            self.sql("delete from settings where name = ?", name)
        else:
            self.sql("insert or replace into settings values (?, ?)", name, value)
