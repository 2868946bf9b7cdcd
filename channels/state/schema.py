"""The tables, as the newest migration leaves them. Times are UTC seconds since 1970; JSON columns hold what the codecs write."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Index("conversations_by_owner", "owner", "updated_at"),
)
"""`owner` is an account, a key, a browser's secret (its digest) or a channel's conversation key, see conversations.py."""

turns = Table(
    "turns",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False, default=""),
    Column("done", JSON, nullable=True),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("id", name="turns_id"),
)
"""`number` counts from 0 within its conversation. `done` holds how the turn ended, `{"done": AnswerDone}` or `{"failed": ...}`, with what
was understood beside it; null for a turn that was stopped before that."""

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("channel", String(40), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("turn_id", String(32), nullable=False),
    Column("rating", String(8), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("turns", JSON, nullable=False),
    Column("answer", Text, nullable=False, default=""),
    Column("sources", JSON, nullable=False),
    Column("mode", String(16), nullable=False, default=""),
)
"""`turns` are the questions up to the one that is rated, so that a row is a whole case for the suite."""

limits = Table(
    "limits",
    metadata,
    Column("bucket", String(300), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)
"""Token buckets of users, chats and keys."""
