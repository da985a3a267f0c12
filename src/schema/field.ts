/** Short makers of schema fields: description (meaning, unit, source) first, default second. */
import Type from 'typebox';

type NumberLimits = {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
};

/** A number field with a default. */
export const real = (description: string, value: number, limits: NumberLimits = {}) =>
  Type.Optional(Type.Number({ description, default: value, ...limits }));

/** An integer field with a default. */
export const count = (description: string, value: number, limits: NumberLimits = { minimum: 1 }) =>
  Type.Optional(Type.Integer({ description, default: value, ...limits }));

/** A yes/no field with a default. */
export const flag = (description: string, value: boolean) =>
  Type.Optional(Type.Boolean({ description, default: value }));

/** A field that takes one of a few words; the first is the default unless `value` names another. */
export const choice = <const Words extends readonly [string, ...string[]]>(
  description: string,
  words: Words,
  value: Words[number] = words[0],
) => Type.Optional(Type.Unsafe<Words[number]>({ type: 'string', enum: [...words], description, default: value }));

/** A text that may be absent (null). */
export const optionalText = (description: string) =>
  Type.Optional(Type.Union([Type.String(), Type.Null()], { description, default: null }));

/** A group of fields; unknown fields are refused, an absent group gets its defaults. */
export const group = <P extends Type.TProperties>(description: string, properties: P) =>
  Type.Optional(Type.Object(properties, { description, additionalProperties: false, default: {} }));

/** Limits of numbers that occur often: in [0, 1]; above 0; 0 or more. */
export const fraction = { minimum: 0, maximum: 1 };
export const positive = { exclusiveMinimum: 0 };
export const natural = { minimum: 0 };
