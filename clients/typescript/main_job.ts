// Orbit's main job through a client that is generated from its OpenAPI document: ask for topics, have them approved, change them, take them away.
// `make test` generates the client, has the compiler check this file strictly, and runs it against a server with a real Kafka.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./orbit.ts";

type Topic = components["schemas"]["Topic"];

function client(token: string | undefined) {
  const headers = { Authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl: process.env["ORBIT_ENDPOINT"] ?? "", headers });
}

const developer = client(process.env["ORBIT_DEVELOPER_TOKEN"]);
const admin = client(process.env["ORBIT_ADMIN_TOKEN"]);
const at = { workspace: process.env["ORBIT_WORKSPACE"] ?? "", environment: "prod" };

/** The data of an answer that has to be a success. */
function done<T>(answer: { data?: T; error?: unknown }): T {
  assert.equal(answer.error, undefined, JSON.stringify(answer.error));
  assert.ok(answer.data !== undefined);
  return answer.data;
}

/** Waits until nothing is under way on a topic. */
async function settled(topic: Topic): Promise<Topic> {
  const path = { topic: topic.id };
  const operation = done(await developer.GET("/v1/topics/{topic}", { params: { path } })).operation;
  assert.ok(operation);
  const query = { wait: "30s" };
  const ended = await developer.GET("/v1/operations/{operation}", { params: { path: { operation: operation.id }, query } });
  assert.equal(done(ended).state, "succeeded");
  return done(await developer.GET("/v1/topics/{topic}", { params: { path } }));
}

// What would policy say?
const orders = { ...at, name: "ts-orders", partitions: 3, retention_ms: 86_400_000 };
const evaluated = await developer.POST("/v1/topics:evaluate", { body: { items: [{ action: "create", topic: orders }] } });
assert.equal(done(evaluated).items[0]?.verdict?.decision, "needs-approval");

// Ask for it, under a key that covers a lost reply.
const header = { "Idempotency-Key": crypto.randomUUID() };
const asked = await developer.POST("/v1/topics", { params: { header }, body: { ...orders, justification: "the new checkout" } });
const pending = done(asked);
assert.equal(asked.response.status, 202);
assert.equal(pending.status, "pending-approval");
const repeated = await developer.POST("/v1/topics", { params: { header }, body: { ...orders, justification: "the new checkout" } });
assert.equal(done(repeated).id, pending.id);

// A person decides.
const request = pending.request?.id;
assert.ok(request);
const path = { request };
const approved = await admin.POST("/v1/requests/{request}/approve", { params: { path }, body: { comment: "fine" } });
assert.equal(done(approved).state, "approved");
const made = await settled(pending);
assert.equal(made.status, "active");
assert.ok(made.kafka_topic_id);

// A refusal is a typed problem.
const denied = await developer.PATCH("/v1/topics/{topic}", {
  params: { path: { topic: made.id }, header: { "If-Match": `"${made.revision}"` } },
  body: { partitions: 60 },
});
assert.equal(denied.error?.code, "policy.denied");
assert.equal(denied.error?.errors?.[0]?.pointer, "/partitions");

// Several changes as one request.
const items: components["schemas"]["RequestCreateItem"][] = ["ts-a", "ts-b"].map((name) => ({
  action: "create",
  topic: { ...at, environment: "dev", name },
}));
const bundle = done(await developer.POST("/v1/requests", { body: { items } }));
assert.ok(bundle?.operation_id);

// Every topic, page by page.
const names = new Set<string>();
let cursor: string | undefined;
do {
  const query = { limit: 1, ...(cursor === undefined ? {} : { cursor }) };
  const page = done(await developer.GET("/v1/topics", { params: { query } }));
  for (const topic of page.items) names.add(topic.name);
  cursor = page.next_cursor ?? undefined;
} while (cursor !== undefined);
assert.deepEqual([...names].filter((name) => name.startsWith("ts-")).sort(), ["ts-a", "ts-b", "ts-orders"]);

// And away with it: the environment's policy asks a person again.
const gone = await developer.DELETE("/v1/topics/{topic}", { params: { path: { topic: made.id } } });
assert.equal(gone.response.status, 202);
assert.equal(done(gone)?.request?.action, "delete");

console.log("the main job is done");
