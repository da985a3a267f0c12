/**
 * What a manifest field decides. `semantic` fields are part of cache keys; `resource` fields (memory, threads, places on disk)
 * change how fast or where a result is made and `cosmetic` fields how it is called: neither is in a key.
 */
import type { TSchema } from 'typebox';

/** The three roles of a field. */
export const ROLES = ['semantic', 'resource', 'cosmetic'] as const;
export type Role = (typeof ROLES)[number];

/** The JSON Schema keyword that carries the role. */
export const ROLE_KEYWORD = 'x-spa-role';

// Descriptors, not a spread: TypeBox keeps "optional" in a non-enumerable member, and losing it would make every field required.
const withRole = <T extends TSchema>(role: Role, schema: T): T =>
  Object.defineProperties({ [ROLE_KEYWORD]: role }, Object.getOwnPropertyDescriptors(schema)) as TSchema as T;

/** Marks a field that decides results. */
export const semantic = <T extends TSchema>(schema: T): T => withRole('semantic', schema);
/** Marks a field that decides cost or place only. */
export const resource = <T extends TSchema>(schema: T): T => withRole('resource', schema);
/** Marks a field that decides names only. */
export const cosmetic = <T extends TSchema>(schema: T): T => withRole('cosmetic', schema);
