"""Orbit's main job through a client that is generated from its OpenAPI document: ask for topics, have them approved, change them, take them away.

`make test` generates the client as the package `orbit_client` and runs this against a server with a real Kafka.
"""

import os
import uuid

from orbit_client import AuthenticatedClient
from orbit_client.api.operations import operation_get
from orbit_client.api.requests import request_approve, request_create
from orbit_client.api.topics import topic_create, topic_delete, topic_evaluate, topic_get, topic_list, topic_update
from orbit_client.models import (
    Action,
    Approve,
    Decision,
    OperationState,
    Problem,
    Request,
    RequestCreate,
    RequestCreateItem,
    RequestState,
    Topic,
    TopicCreate,
    TopicEvaluate,
    TopicEvaluateItem,
    TopicEvaluation,
    TopicPage,
    TopicPatch,
    TopicStatus,
)
from orbit_client.types import UNSET

WORKSPACE = os.environ["ORBIT_WORKSPACE"]


def client(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=os.environ["ORBIT_ENDPOINT"], token=token)


developer = client(os.environ["ORBIT_DEVELOPER_TOKEN"])
admin = client(os.environ["ORBIT_ADMIN_TOKEN"])


def settled(topic: Topic) -> Topic:
    """Waits until nothing is under way on a topic."""
    seen = topic_get.sync(topic.id, client=developer)
    assert isinstance(seen, Topic) and seen.operation, seen
    operation = operation_get.sync(seen.operation.id, client=developer.with_timeout(60), wait="30s")
    assert operation and operation.state is OperationState.SUCCEEDED, operation
    seen = topic_get.sync(topic.id, client=developer)
    assert isinstance(seen, Topic), seen
    return seen


# What would policy say?
orders = TopicCreate(
    workspace=WORKSPACE, environment="prod", name="py-orders", partitions=3, retention_ms=86_400_000, justification="the new checkout"
)
evaluated = topic_evaluate.sync(client=developer, body=TopicEvaluate([TopicEvaluateItem(Action.CREATE, orders)]))
assert isinstance(evaluated, TopicEvaluation), evaluated
assert evaluated.items[0].verdict.decision is Decision.NEEDS_APPROVAL

# Ask for it, under a key that covers a lost reply.
key = str(uuid.uuid4())
asked = topic_create.sync_detailed(client=developer, body=orders, idempotency_key=key)
pending = asked.parsed
assert asked.status_code == 202 and isinstance(pending, Topic), asked
assert pending.status is TopicStatus.PENDING_APPROVAL
assert topic_create.sync(client=developer, body=orders, idempotency_key=key).id == pending.id

# A person decides.
approved = request_approve.sync(pending.request.id, client=admin, body=Approve(comment="fine"))
assert isinstance(approved, Request) and approved.state is RequestState.APPROVED, approved
made = settled(pending)
assert made.status is TopicStatus.ACTIVE and made.kafka_topic_id

# A refusal is a typed problem.
denied = topic_update.sync(made.id, client=developer, body=TopicPatch(partitions=60), if_match=f'"{made.revision}"')
assert isinstance(denied, Problem), denied
assert (denied.code, denied.errors[0].pointer) == ("policy.denied", "/partitions")

# Several changes as one request.
items = [
    RequestCreateItem(Action.CREATE, TopicCreate(workspace=WORKSPACE, environment="dev", name=name)) for name in ("py-a", "py-b")
]
bundle = request_create.sync(client=developer, body=RequestCreate(items))
assert isinstance(bundle, Request) and bundle.operation_id, bundle

# Every topic, page by page.
names, cursor = set(), UNSET
while cursor is not None:
    page = topic_list.sync(client=developer, limit=1, cursor=cursor)
    assert isinstance(page, TopicPage), page
    names.update(topic.name for topic in page.items)
    cursor = page.next_cursor or None
assert sorted(name for name in names if name.startswith("py-")) == ["py-a", "py-b", "py-orders"], names

# And away with it: the environment's policy asks a person again.
gone = topic_delete.sync_detailed(made.id, client=developer)
assert gone.status_code == 202 and gone.parsed.request.action is Action.DELETE, gone

print("the main job is done")
