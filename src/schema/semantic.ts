/** Splits a manifest by the roles its schema declares, and flattens nested records into dotted paths. */
import type { Json, JsonObject } from '../base/json.ts';
import { ROLE_KEYWORD, type Role } from './role.ts';

/** What this file reads of a JSON Schema. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly [ROLE_KEYWORD]?: Role;
}

/**
 * Returns the fields of one role, nested as in `value`; groups without any such field are left out.
 * @param value A record with its defaults filled in.
 * @param schema The JSON Schema whose leaves carry `x-spa-role`.
 */
export function fieldsOfRole(value: object, schema: object, role: Role): JsonObject {
  const fields: Record<string, Json> = {};
  for (const [name, child] of Object.entries((schema as SchemaNode).properties ?? {})) {
    const member = (value as Record<string, Json | undefined>)[name]; // a validated record holds JSON
    if (member === undefined) continue;
    if (child.properties === undefined) {
      if (child[ROLE_KEYWORD] === role) fields[name] = member;
      continue;
    }
    const group = fieldsOfRole(member as JsonObject, child, role); // the schema says it is an object
    if (Object.keys(group).length > 0) fields[name] = group;
  }
  return fields;
}

/** Returns the leaves of nested objects by dotted path, e.g. `{ "ppo.kl.coefficient": 0.3 }`. Lists are leaves. */
export function flatten(value: JsonObject, prefix = ''): Record<string, Json> {
  const leaves: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (isObject(member)) Object.assign(leaves, flatten(member, path));
    else leaves[path] = member;
  }
  return leaves;
}

/** Returns every dotted path of a schema, groups included. */
export function pathsOf(schema: object, prefix = ''): string[] {
  return Object.entries((schema as SchemaNode).properties ?? {}).flatMap(([name, child]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    return [path, ...pathsOf(child, path)];
  });
}

/** Tells whether a value is a JSON object: neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
